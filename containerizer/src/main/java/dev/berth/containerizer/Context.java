package dev.berth.containerizer;

import dev.berth.containerizer.journal.Journal;
import dev.berth.containerizer.journal.JournalEntry;
import dev.berth.containerizer.launch.MonitorClient;
import dev.berth.containerizer.launch.SpawnerClient;
import dev.berth.isolator.CgroupControl;
import dev.berth.isolator.ContainerId;
import dev.berth.isolator.Isolator;
import dev.berth.linux.Linux;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayDeque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;

/** What the parts of the containerizer share. Thread: conductor. */
final class Context {
    final Linux linux;
    final List<Isolator> isolators;
    final CgroupControl cgroups;
    final Roots roots;
    final RunDirectories directories;
    final Reactor reactor;
    final Journal journal;
    final SpawnerClient spawner;
    final MonitorClient.Factory monitors;
    final CrashPoints crash;
    final Consumer<String> complaints;
    final Map<ContainerId, Run> runs = new LinkedHashMap<>();
    final ArrayDeque<Containerizer.ContainerEvent> events = new ArrayDeque<>();

    Context(
            Linux linux,
            List<Isolator> isolators,
            CgroupControl cgroups,
            Roots roots,
            Opened opened,
            Consumer<String> complaints) {
        this.linux = linux;
        this.isolators = List.copyOf(isolators);
        this.cgroups = cgroups;
        this.roots = roots;
        this.directories = opened.directories;
        this.reactor = opened.reactor;
        this.journal = opened.journal;
        this.spawner = opened.spawner;
        this.monitors = new MonitorClient.Factory(linux);
        this.crash = CrashPoints.fromProperty(linux);
        this.complaints = complaints;
    }

    /** What was opened and must be closed. */
    record Opened(
            RunDirectories directories, Reactor reactor, Journal journal, SpawnerClient spawner) {}

    /** Appends to the journal; a journal that cannot be written ends the agent's ability to be safe, so that is no event but a stop. */
    void note(JournalEntry entry) {
        try {
            journal.append(entry);
        } catch (IOException e) {
            throw new UncheckedIOException("journal in " + directories.execRoot(), e);
        }
    }

    Optional<Run> running(ContainerId id) {
        return Optional.ofNullable(runs.get(id)).filter(Run::running);
    }

    /** A cause and its causes in one line. */
    static String chain(Throwable e) {
        StringBuilder text = new StringBuilder(String.valueOf(e.getMessage()));
        for (Throwable cause = e.getCause(); cause != null; cause = cause.getCause()) {
            text.append(": ").append(cause.getMessage());
        }
        return text.toString();
    }
}
