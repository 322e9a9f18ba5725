package dev.berth.agent.tasks;

import dev.berth.agent.config.AgentLog;
import dev.berth.agent.config.SandboxRetention;
import dev.berth.linux.ErrnoException;
import dev.berth.linux.Fd;
import dev.berth.linux.Linux;
import dev.berth.linux.file.SafeRoot;

import java.io.IOException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Supplier;

/**
 * Removes the sandboxes of tasks that have ended and whose end the scheduler has acknowledged, when they are older than {@link SandboxRetention} lets them become. The end is written down in a file of ours: the times of a
 * sandbox are its task's to change. One that an earlier agent left without such a file begins to age when it is found.
 *
 * <p>A sandbox is first moved away as a whole, then removed by descriptors: no link in it is followed, no mount entered.
 *
 * <p>Thread: conductor; what touches files is on their lane, one pass at a time.
 */
public final class SandboxCollector {
    static final long EVERY_NS = 60_000_000_000L;

    private final TaskHost host;
    private final Linux linux;
    private final TaskPaths paths;
    private final SandboxRetention retention;
    private final Supplier<Set<Path>> live;
    private final AtomicLong removed = new AtomicLong();
    private final AtomicLong failed = new AtomicLong();
    private final AtomicLong waiting = new AtomicLong();
    private boolean scanned;
    private Runnable cancel = () -> {};

    /** @param live directories of runs of which a task has not ended, or its end is not acknowledged */
    SandboxCollector(
            TaskHost host,
            Linux linux,
            TaskPaths paths,
            SandboxRetention retention,
            Supplier<Set<Path>> live) {
        this.host = host;
        this.linux = linux;
        this.paths = paths;
        this.retention = retention;
        this.live = live;
    }

    /** The end of a run, as it is written down. */
    private record Ending(Path file, Path run, long atNs) {}

    /** Looks now, and from then on every minute, as Mesos does. */
    void start() {
        Set<Path> kept = live.get();
        long nowNs = host.realtimeNs();
        host.onLane(() -> {
            try {
                pass(kept, nowNs);
            } catch (IOException | RuntimeException e) {
                // Also what a directory throws while it is read: the next pass must come.
                AgentLog.warn("look for sandboxes to remove: " + e);
            }
            host.offer(() -> cancel = host.at(host.monotonicNs() + EVERY_NS, this::start));
        });
    }

    /** The last task of a run is over for good. */
    void ended(Path run) {
        long nowNs = host.realtimeNs();
        host.onLane(() -> {
            try {
                write(run, nowNs);
            } catch (IOException e) {
                // The next agent's first pass finds it.
                AgentLog.warn("note the end of " + run + ": " + e);
            }
        });
    }

    void stop() {
        cancel.run();
    }

    /** What became of sandboxes, in Mesos's names. Any thread. */
    public Map<String, Double> metrics() {
        return Map.of(
                "gc/path_removals_succeeded", (double) removed.get(),
                "gc/path_removals_failed", (double) failed.get(),
                "gc/path_removals_pending", (double) waiting.get());
    }

    private void pass(Set<Path> kept, long nowNs) throws IOException {
        Files.createDirectories(paths.endings());
        Files.createDirectories(paths.trash());
        double usage = host.diskUsage();
        long ageNs = retention.ageNs(usage);
        long left = 0;
        for (Ending ending : endings()) {
            if (kept.contains(ending.run())) {
                Files.delete(ending.file());
            } else if (ending.atNs() > nowNs) {
                // The clock was set back.
                write(ending.run(), nowNs);
                left++;
            } else if (nowNs - ending.atNs() >= ageNs) {
                remove(ending, nowNs, usage);
            } else {
                left++;
            }
        }
        waiting.set(left);
        empty();
        // Last: what was launched after this pass began may be found, and must not be removed in
        // it.
        if (!scanned) {
            scan(kept, nowNs);
            scanned = true;
        }
    }

    private List<Ending> endings() throws IOException {
        List<Ending> out = new ArrayList<>();
        for (Path file : entries(paths.endings())) {
            Optional<Ending> ending = read(file);
            if (ending.isPresent()) {
                out.add(ending.get());
            } else {
                AgentLog.warn("not the end of a run: " + file + " is removed");
                Files.delete(file);
                scanned = false;
            }
        }
        return out;
    }

    private Optional<Ending> read(Path file) throws IOException {
        String[] words = Files.readString(file).strip().split(" ", 2);
        if (words.length < 2 || !words[0].matches("[0-8]?\\d{1,18}")) {
            return Optional.empty();
        }
        Path run = paths.sandboxes().resolve(words[1]).normalize();
        return run.startsWith(paths.sandboxes()) && run.endsWith(file.getFileName())
                ? Optional.of(new Ending(file, run, Long.parseLong(words[0])))
                : Optional.empty();
    }

    private Path ending(Path run) {
        return paths.endings().resolve(run.getFileName());
    }

    private void write(Path run, long atNs) throws IOException {
        Files.createDirectories(paths.endings());
        Path file = ending(run);
        Path fresh = paths.journalDirectory().resolve(file.getFileName() + ".ended");
        Files.writeString(fresh, atNs + " " + paths.sandboxes().relativize(run) + "\n");
        Files.move(
                fresh, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    }

    private void remove(Ending ending, long nowNs, double usage) {
        try {
            Path run = ending.run();
            if (Files.isDirectory(run, LinkOption.NOFOLLOW_LINKS)) {
                Files.move(
                        run,
                        paths.trash().resolve(run.getFileName()),
                        StandardCopyOption.ATOMIC_MOVE);
                AgentLog.info(
                        String.format(
                                Locale.ROOT,
                                "sandbox %s removed: its tasks ended %s ago, the disk is %.0f%% full",
                                paths.sandboxes().relativize(run),
                                text(nowNs - ending.atNs()),
                                usage * 100));
                removed.incrementAndGet();
            }
            Files.delete(ending.file());
            tidy(run);
        } catch (IOException e) {
            failed.incrementAndGet();
            AgentLog.warn("remove sandbox " + ending.run() + ", trying again later: " + e);
        }
    }

    private static String text(long ns) {
        Duration age = Duration.ofNanos(ns);
        return age.toDays() > 0
                ? age.toDays() + " d " + age.toHoursPart() + " h"
                : age.toHours() + " h " + age.toMinutesPart() + " min";
    }

    /** Removes the directories above that are empty now: that of runs, the executor's, the framework's. */
    private void tidy(Path run) throws IOException {
        Path latest = run.resolveSibling("latest");
        if (Files.isSymbolicLink(latest)
                && Files.readSymbolicLink(latest).equals(run.getFileName())) {
            Files.delete(latest);
        }
        for (Path empty = latest.getParent();
                empty != null && !empty.equals(paths.sandboxes());
                empty = empty.getParent()) {
            try {
                Files.delete(empty);
            } catch (DirectoryNotEmptyException _) {
                return;
            } catch (NoSuchFileException _) {
                // Somebody was faster.
            }
        }
    }

    /** Removes what was moved away, also by an agent that was killed before it had done so. */
    private void empty() throws IOException {
        try (SafeRoot trash = SafeRoot.open(linux.files(), Fd.CWD, paths.trash().toString())) {
            for (Path entry : entries(paths.trash())) {
                try {
                    trash.removeTree(entry.getFileName().toString());
                } catch (ErrnoException e) {
                    failed.incrementAndGet();
                    AgentLog.warn("remove " + entry + ", trying again later: " + e.getMessage());
                }
            }
        } catch (ErrnoException e) {
            throw new IOException("open " + paths.trash(), e);
        }
    }

    private void scan(Set<Path> kept, long nowNs) throws IOException {
        for (Path framework : directories(paths.sandboxes().resolve("frameworks"))) {
            for (Path executor : directories(framework.resolve("executors"))) {
                for (Path run : directories(executor.resolve("runs"))) {
                    if (!kept.contains(run) && !Files.exists(ending(run))) {
                        write(run, nowNs);
                    }
                }
            }
        }
    }

    private static List<Path> directories(Path parent) throws IOException {
        return Files.isDirectory(parent, LinkOption.NOFOLLOW_LINKS)
                ? entries(parent).stream()
                        .filter(path -> Files.isDirectory(path, LinkOption.NOFOLLOW_LINKS))
                        .toList()
                : List.of();
    }

    private static List<Path> entries(Path directory) throws IOException {
        List<Path> out = new ArrayList<>();
        try (DirectoryStream<Path> stream = Files.newDirectoryStream(directory)) {
            stream.forEach(out::add);
        }
        return out;
    }
}
