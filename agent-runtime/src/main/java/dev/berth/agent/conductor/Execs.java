package dev.berth.agent.conductor;

import dev.berth.agent.config.AgentException;
import dev.berth.agent.config.SpecTranslation.Identity;
import dev.berth.containerizer.Containerizer.ContainerEvent;
import dev.berth.containerizer.Containerizer.ExecId;
import dev.berth.containerizer.Containerizer.ExecSpec;
import dev.berth.containerizer.Containerizer.ResolvedUser;
import dev.berth.containerizer.ContainerizerException;
import dev.berth.isolator.ContainerConfig;
import dev.berth.isolator.ContainerConfig.Security;
import dev.berth.isolator.ContainerId;
import dev.berth.linux.OwnedFd;

import org.jspecify.annotations.Nullable;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;

/** Further processes in running containers. The table is bounded: of a container's ended execs the last {@value #ENDED_KEPT} are kept. Conductor thread. */
final class Execs {
    private static final int ENDED_KEPT = 32;
    private static final int PER_CONTAINER = 1024;

    private final Conductor conductor;
    private final ConductorParts parts;
    private final Registry registry;
    private final Names names = new Names();
    private final Map<String, Entry> entries = new LinkedHashMap<>();

    private static final class Entry {
        private final String id;
        private final ContainerId container;
        private final ExecRequest request;
        private ExecView.State state = ExecView.State.CREATED;
        private int pid;
        private int exitCode = -1;
        private @Nullable ExecWatcher watcher;

        private Entry(String id, ContainerId container, ExecRequest request) {
            this.id = id;
            this.container = container;
            this.request = request;
        }

        private ExecView view() {
            return new ExecView(id, container, request, state, pid, exitCode);
        }
    }

    Execs(Conductor conductor, ConductorParts parts, Registry registry) {
        this.conductor = conductor;
        this.parts = parts;
        this.registry = registry;
    }

    void create(Container container, ExecRequest request, Answer<String> answer) {
        try {
            running(container);
            if (request.argv().isEmpty()) {
                throw AgentException.invalid("No exec command specified");
            }
            if (container.execs.size() >= PER_CONTAINER) {
                throw AgentException.conflict(
                        "container " + container.name + " has " + PER_CONTAINER + " execs already");
            }
        } catch (AgentException e) {
            answer.onFailure(e);
            return;
        }
        Entry entry = new Entry(names.id(), container.id, request);
        entries.put(entry.id, entry);
        container.execs.add(entry.id);
        trim(container);
        publish(entry);
        conductor.tell(
                container,
                "exec_create: " + String.join(" ", request.argv()),
                Map.of("execID", entry.id));
        answer.onResult(entry.id);
    }

    private void trim(Container container) {
        List<String> ended = new ArrayList<>();
        for (String id : container.execs) {
            Entry entry = entries.get(id);
            if (entry != null && entry.state == ExecView.State.ENDED) {
                ended.add(id);
            }
        }
        for (int i = 0; i < ended.size() - ENDED_KEPT; i++) {
            drop(container, ended.get(i));
        }
    }

    private void drop(Container container, String id) {
        container.execs.remove(id);
        entries.remove(id);
        parts.execViews().remove(id);
    }

    private void publish(Entry entry) {
        parts.execViews().publish(entry.view());
        Container container = registry.byId(entry.container);
        if (container != null) {
            registry.publish(container);
        }
    }

    private static void running(Container container) throws AgentException {
        if (container.status == Status.PAUSED) {
            throw AgentException.conflict(
                    "Container " + container.id + " is paused, unpause the container before exec");
        }
        if (container.status != Status.RUNNING || container.config == null) {
            throw Lifecycle.notRunning(container);
        }
    }

    /** Starts it; {@code streams} (none with a terminal) move here. */
    void start(String id, List<OwnedFd> streams, int rows, int columns, ExecWatcher watcher) {
        Entry entry = entries.get(id);
        Container container = entry == null ? null : registry.byId(entry.container);
        try {
            if (entry == null || container == null) {
                throw AgentException.notFound("No such exec instance: " + id);
            }
            running(container);
            if (entry.state != ExecView.State.CREATED) {
                throw AgentException.conflict("exec " + id + " has already been started");
            }
        } catch (AgentException e) {
            streams.forEach(OwnedFd::close);
            watcher.onFailed(e);
            return;
        }
        entry.state = ExecView.State.STARTING;
        entry.watcher = watcher;
        publish(entry);
        String user = entry.request.user();
        if (user.isEmpty()) {
            launch(entry, container, container.identity, streams, new int[] {rows, columns});
            return;
        }
        conductor.onLane(
                parts.roots(),
                () -> {
                    try {
                        ResolvedUser found =
                                parts.containerizer().resolveUser(entry.container, user, List.of());
                        Identity who =
                                new Identity(
                                        found.uid(), found.gid(), found.groups(), found.home());
                        conductor.offer(() ->
                                launch(entry, container, who, streams, new int[] {rows, columns}));
                    } catch (ContainerizerException e) {
                        streams.forEach(OwnedFd::close);
                        conductor.offer(
                                () -> fail(entry, AgentException.failed("exec as " + user, e)));
                    }
                });
    }

    private void launch(
            Entry entry, Container container, Identity who, List<OwnedFd> streams, int[] size) {
        ContainerConfig config = container.config;
        try {
            running(container);
            if (config == null) {
                throw Lifecycle.notRunning(container);
            }
            ExecRequest request = entry.request;
            ExecSpec spec =
                    new ExecSpec(
                            parts.translation()
                                    .execProcess(
                                            config,
                                            who,
                                            request.argv(),
                                            request.env(),
                                            request.workingDir(),
                                            request.tty()),
                            security(config.security(), request.privileged()),
                            request.tty(),
                            size[0],
                            size[1],
                            streams);
            parts.containerizer().exec(entry.container, new ExecId(entry.id), spec);
        } catch (AgentException e) {
            streams.forEach(OwnedFd::close);
            fail(entry, e);
        }
    }

    private static Security security(Security of, boolean privileged) {
        return privileged
                ? new Security(
                        true,
                        new LinkedHashSet<>(
                                dev.berth.agent.config.SecurityTranslation.ALL_CAPABILITIES),
                        of.ambient(),
                        "unconfined",
                        false,
                        of.maskedPaths(),
                        of.readOnlyPaths())
                : of;
    }

    void onStarted(ContainerEvent.ExecStarted started) {
        Entry entry = entries.get(started.exec().value());
        if (entry == null || entry.watcher == null) {
            started.terminal().ifPresent(OwnedFd::close);
            return;
        }
        entry.state = ExecView.State.RUNNING;
        entry.pid = started.pid();
        publish(entry);
        parts.counters().increment(Counter.EXECS_STARTED);
        Container container = registry.byId(entry.container);
        if (container != null) {
            conductor.tell(
                    container,
                    "exec_start: " + String.join(" ", entry.request.argv()),
                    Map.of("execID", entry.id));
        }
        entry.watcher.onStarted(started.pid(), started.terminal());
    }

    void onFailed(ContainerEvent.ExecFailed failed) {
        Entry entry = entries.get(failed.exec().value());
        if (entry == null) {
            return;
        }
        entry.exitCode = failed.code();
        String message = "cannot exec in container: " + failed.message();
        fail(
                entry,
                failed.code() == 125
                        ? new AgentException(AgentException.Kind.FAILED, message, 125)
                        : new AgentException(AgentException.Kind.INVALID, message, failed.code()));
    }

    private void fail(Entry entry, AgentException failure) {
        entry.state = ExecView.State.ENDED;
        if (entry.exitCode < 0) {
            entry.exitCode = 126;
        }
        publish(entry);
        parts.counters().increment(Counter.EXEC_START_FAILURES);
        ExecWatcher watcher = entry.watcher;
        entry.watcher = null;
        if (watcher != null) {
            watcher.onFailed(failure);
        }
    }

    void onExited(ContainerEvent.ExecExited exited) {
        Entry entry = entries.get(exited.exec().value());
        if (entry != null) {
            end(entry, exited.status().code());
        }
    }

    /** An exec cannot outlive its container; one whose own end is not told by then was killed with it. */
    void onContainerEnded(ContainerId id) {
        Container container = registry.byId(id);
        if (container == null) {
            return;
        }
        for (String exec : List.copyOf(container.execs)) {
            Entry entry = entries.get(exec);
            if (entry != null && entry.state == ExecView.State.RUNNING) {
                end(entry, 137);
            }
        }
    }

    private void end(Entry entry, int code) {
        entry.state = ExecView.State.ENDED;
        entry.exitCode = code;
        entry.pid = 0;
        publish(entry);
        ExecWatcher watcher = entry.watcher;
        entry.watcher = null;
        Container container = registry.byId(entry.container);
        if (container != null) {
            conductor.tell(
                    container,
                    "exec_die",
                    Map.of("execID", entry.id, "exitCode", String.valueOf(code)));
        }
        if (watcher != null) {
            watcher.onEnded(code);
        }
    }

    /** Sends a signal to an exec that runs; one that does not run has nothing to be told. */
    void kill(String id, int signal, Answer<Boolean> answer) {
        Entry entry = entries.get(id);
        if (entry == null) {
            answer.onFailure(AgentException.notFound("No such exec instance: " + id));
            return;
        }
        try {
            answer.onResult(
                    entry.state == ExecView.State.RUNNING
                            && parts.containerizer()
                                    .signalExec(entry.container, new ExecId(id), signal));
        } catch (ContainerizerException e) {
            answer.onFailure(AgentException.failed("signal exec " + id, e));
        }
    }

    void resize(String id, int rows, int columns, Answer<Boolean> answer) {
        Entry entry = entries.get(id);
        if (entry == null) {
            answer.onFailure(AgentException.notFound("No such exec instance: " + id));
            return;
        }
        if (entry.state != ExecView.State.RUNNING) {
            answer.onFailure(AgentException.conflict("exec " + id + " is not running"));
            return;
        }
        try {
            parts.containerizer().resizeExec(entry.container, new ExecId(id), rows, columns);
            answer.onResult(true);
        } catch (ContainerizerException e) {
            answer.onFailure(AgentException.failed("resize exec " + id, e));
        }
    }

    void forget(Container container) {
        for (String id : List.copyOf(container.execs)) {
            drop(container, id);
        }
    }
}
