package dev.berth.agent.conductor;

import dev.berth.agent.checkpoint.ContainerRecord;
import dev.berth.agent.config.ContainerSpec;
import dev.berth.agent.config.SpecTranslation.Identity;
import dev.berth.agent.device.DevicePlan;
import dev.berth.containerizer.launch.LaunchTimeline;
import dev.berth.isolator.ContainerConfig;
import dev.berth.isolator.ContainerId;

import org.jspecify.annotations.Nullable;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** A container's state; the conductor's alone. */
final class Container {
    private static final int EXITS_KEPT = 10;

    final ContainerId id;
    final long createdNs;
    final Identity identity;
    String name;
    ContainerSpec spec;
    Status status = Status.CREATED;
    int run;
    int pid;
    long startedNs;
    long finishedNs;
    int exitCode;
    boolean oomKilled;
    String error = "";
    int restartCount;
    long restartDelayNs;

    /** A user's stop or kill: the restart policy must not undo it. */
    boolean stoppedByUser;

    /** After the end that is awaited: start again (docker restart). */
    boolean restartAsked;

    /** After the end that is awaited: remove (forced remove). */
    boolean removeAsked;

    @Nullable ContainerConfig config;

    /** Whether its root is known to the containerizer of this agent. */
    boolean rootKnown;

    /** Whether {@link #config} is prepared for the next start. */
    boolean prepared;

    /** The devices that {@link #config} was made with. */
    DevicePlan plan = DevicePlan.NONE;

    /** What it holds, from before its start until its end. */
    DevicePlan held = DevicePlan.NONE;

    @Nullable LaunchTimeline timeline;
    List<String> warnings = List.of();
    Timers.@Nullable Timer timer;
    final Set<String> execs = new LinkedHashSet<>();
    final ArrayDeque<ContainerView.Exit> exits = new ArrayDeque<>();
    final List<ContainerWatcher> watchers = new ArrayList<>();

    /** Watchers that are being told of an end on their own threads: the container's files stay until all have heard. */
    int untold;

    /** What waits until all have heard. */
    Optional<Runnable> whenTold = Optional.empty();

    final List<Answer<Boolean>> startAnswers = new ArrayList<>();
    final List<Answer<Boolean>> stopAnswers = new ArrayList<>();
    final List<Answer<Boolean>> pauseAnswers = new ArrayList<>();
    final List<Answer<Boolean>> removeAnswers = new ArrayList<>();

    Container(ContainerRecord record) {
        id = record.id();
        name = record.name();
        createdNs = record.createdNs();
        spec = record.spec();
        identity = record.identity();
    }

    ContainerRecord record() {
        return new ContainerRecord(id, name, createdNs, spec, identity);
    }

    /** Keeps the end that its fields tell. */
    void keepExit() {
        exits.addLast(new ContainerView.Exit(run, exitCode, oomKilled, startedNs, finishedNs));
        while (exits.size() > EXITS_KEPT) {
            exits.removeFirst();
        }
    }

    void cancelTimer() {
        Timers.Timer pending = timer;
        timer = null;
        if (pending != null) {
            pending.cancel();
        }
    }

    ContainerView view() {
        return new ContainerView(
                id,
                name,
                createdNs,
                spec,
                identity,
                status,
                run,
                pid,
                startedNs,
                finishedNs,
                exitCode,
                oomKilled,
                error,
                restartCount,
                List.copyOf(execs),
                List.copyOf(exits),
                Optional.ofNullable(timeline),
                warnings,
                held.deviceIds());
    }
}
