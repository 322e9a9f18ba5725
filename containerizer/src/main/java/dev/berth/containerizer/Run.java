package dev.berth.containerizer;

import dev.berth.containerizer.launch.LaunchProgram;
import dev.berth.containerizer.launch.LaunchTimeline;
import dev.berth.containerizer.launch.MonitorClient;
import dev.berth.isolator.ContainerConfig;
import dev.berth.isolator.ContainerId;
import dev.berth.isolator.Slot;
import dev.berth.isolator.Slots;
import dev.berth.linux.ErrnoException;
import dev.berth.linux.OwnedFd;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** One run of a container: its state and the descriptors that belong to it. Mutable. Thread: conductor. */
final class Run {
    ContainerConfig config;
    final Containerizer.LogLimits log;
    final Slots slots = new Slots();
    final Watched process = new Watched();
    final Map<Containerizer.ExecId, ExecRun> execs = new LinkedHashMap<>();
    final List<LaunchTimeline.Stage> stages = new ArrayList<>();
    RunState state;
    Optional<LaunchProgram> program = Optional.empty();
    Optional<byte[]> prepared = Optional.empty();
    Set<Slot> preparedFiles = Set.of();
    Optional<Run> successor = Optional.empty();
    boolean told;
    boolean killAsked;
    boolean endingSoon;
    boolean complained;
    long endingSinceNs;

    Run(ContainerConfig config, Containerizer.LogLimits log) {
        this.config = config;
        this.log = log;
        this.state = new RunState.Planning(config);
    }

    ContainerId id() {
        return config.id();
    }

    void accept(RunState.Input input) {
        state = RunState.next(state, input);
    }

    boolean running() {
        return state instanceof RunState.Running || state instanceof RunState.Paused;
    }

    /** The first process, once it was started. */
    Optional<RunState.Init> init() {
        return switch (state) {
            case RunState.Running s -> Optional.of(s.init());
            case RunState.Paused s -> Optional.of(s.init());
            case RunState.Ending s -> s.init();
            case RunState.Ended s -> s.init();
            case RunState.Planning _, RunState.Acquiring _, RunState.Launching _ ->
                    Optional.empty();
        };
    }

    /** Before STARTED there may be no process yet that could be killed. */
    void askKill() {
        killAsked = true;
        successor.ifPresent(next -> next.killAsked = true);
    }

    void stamp(String stage) {
        stages.add(new LaunchTimeline.Stage(stage, System.nanoTime()));
    }

    /** A process that a monitor watches: the descriptors of the agent's side. */
    static final class Watched {
        Optional<MonitorClient> monitor = Optional.empty();
        Optional<OwnedFd> pidfd = Optional.empty();
        Optional<OwnedFd> input = Optional.empty();
        private long token;

        void watch(Reactor reactor, MonitorClient client, Runnable handler) throws ErrnoException {
            token = reactor.add(client.descriptor(), handler);
            monitor = Optional.of(client);
        }

        void close(Reactor reactor) {
            monitor.ifPresent(m -> {
                reactor.remove(token, m.descriptor());
                m.close();
            });
            pidfd.ifPresent(OwnedFd::close);
            input.ifPresent(OwnedFd::close);
            monitor = Optional.empty();
            pidfd = Optional.empty();
            input = Optional.empty();
        }
    }

    /** A further process. */
    static final class ExecRun {
        final Containerizer.ExecId id;
        final boolean tty;
        final Watched process = new Watched();
        Optional<LaunchProgram> program = Optional.empty();
        boolean started;

        ExecRun(Containerizer.ExecId id, boolean tty) {
            this.id = id;
            this.tty = tty;
        }
    }
}
