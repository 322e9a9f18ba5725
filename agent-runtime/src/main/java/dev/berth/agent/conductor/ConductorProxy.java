package dev.berth.agent.conductor;

import com.fasterxml.jackson.databind.node.ObjectNode;

import dev.berth.agent.config.AgentException;
import dev.berth.agent.config.AgentLog;
import dev.berth.agent.config.CreateRequest;
import dev.berth.agent.config.LimitTranslation;
import dev.berth.agent.device.DeviceSnapshot;
import dev.berth.containerizer.ContainerizerException;
import dev.berth.gpu.DeviceRequest.Selection;
import dev.berth.gpu.choice.Explanation;
import dev.berth.isolator.ContainerId;
import dev.berth.isolator.Usage;
import dev.berth.linux.OwnedFd;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.function.Consumer;

/**
 * The conductor as one asker sees it: every method returns at once, and its answer comes on the asker's own thread. A container is named as users do: id, prefix or name.
 *
 * <p>Thread: the asker's.
 */
public final class ConductorProxy {
    private static final int EXPLAINED_GROUPS = 5;

    private final Conductor conductor;
    private final LimitTranslation limits;
    private final Consumer<Runnable> asker;

    /** {@code asker} runs something on the asker's thread soon. */
    public ConductorProxy(Conductor conductor, LimitTranslation limits, Consumer<Runnable> asker) {
        this.conductor = conductor;
        this.limits = limits;
        this.asker = asker;
    }

    /** What a creation gave: the id, and what this host cannot enforce. */
    public record Created(ContainerId id, List<String> warnings) {}

    public void create(CreateRequest request, Answer<Created> answer) {
        Answer<Created> home = home(answer);
        conductor.offer(() ->
                conductor
                        .creation()
                        .create(
                                request,
                                new Answer<>() {
                                    @Override
                                    public void onResult(Creation.Created made) {
                                        home.onResult(new Created(made.id(), made.warnings()));
                                    }

                                    @Override
                                    public void onFailure(AgentException failure) {
                                        home.onFailure(failure);
                                    }
                                }));
    }

    public void plan(CreateRequest request, Answer<String> answer) {
        Answer<String> home = home(answer);
        conductor.offer(() -> conductor.creation().plan(request, home));
    }

    public void start(String reference, Answer<Boolean> answer) {
        with(
                reference,
                answer,
                (container, home) -> conductor.lifecycle().starts().start(container, home));
    }

    public void stop(
            String reference, OptionalInt signal, OptionalInt seconds, Answer<Boolean> answer) {
        with(
                reference,
                answer,
                (container, home) -> conductor.lifecycle().stop(container, signal, seconds, home));
    }

    public void restart(
            String reference, OptionalInt signal, OptionalInt seconds, Answer<Boolean> answer) {
        with(
                reference,
                answer,
                (container, home) ->
                        conductor.lifecycle().restart(container, signal, seconds, home));
    }

    public void kill(String reference, int signal, Answer<Boolean> answer) {
        with(
                reference,
                answer,
                (container, home) -> conductor.lifecycle().kill(container, signal, home));
    }

    public void pause(String reference, boolean paused, Answer<Boolean> answer) {
        with(
                reference,
                answer,
                (container, home) -> conductor.lifecycle().pause(container, paused, home));
    }

    public void remove(String reference, boolean force, Answer<Boolean> answer) {
        with(
                reference,
                answer,
                (container, home) -> conductor.lifecycle().remove(container, force, home));
    }

    public void rename(String reference, String name, Answer<Boolean> answer) {
        with(
                reference,
                answer,
                (container, home) -> conductor.creation().rename(container, name, home));
    }

    /** Changes limits, at once when it runs, and durably; restart policy too. */
    public void update(String reference, ObjectNode changes, Answer<Boolean> answer) {
        with(
                reference,
                answer,
                (container, home) -> conductor.updates().update(container, changes, limits, home));
    }

    public void resize(String reference, int rows, int columns, Answer<Boolean> answer) {
        with(
                reference,
                answer,
                (container, home) -> {
                    if (!container.status.isAlive()) {
                        home.onFailure(Lifecycle.notRunning(container));
                        return;
                    }
                    tried(
                            home,
                            "resize " + container.name,
                            () -> {
                                conductor
                                        .parts()
                                        .containerizer()
                                        .resize(container.id, rows, columns);
                                return true;
                            });
                });
    }

    /** A fresh sample; empty when it does not run. */
    public void usage(String reference, Answer<Optional<Usage>> answer) {
        with(
                reference,
                answer,
                (container, home) ->
                        tried(
                                home,
                                "usage of " + container.name,
                                () -> conductor.parts().containerizer().usage(container.id)));
    }

    /** Host pids. */
    public void processes(String reference, Answer<List<Integer>> answer) {
        with(
                reference,
                answer,
                (container, home) -> {
                    if (!container.status.isAlive()) {
                        home.onFailure(Lifecycle.notRunning(container));
                        return;
                    }
                    tried(
                            home,
                            "processes of " + container.name,
                            () -> conductor.parts().containerizer().processes(container.id));
                });
    }

    /** A duplicate of the container's input, which the receiver owns. */
    public void input(String reference, Answer<Optional<OwnedFd>> answer) {
        with(
                reference,
                answer,
                (container, home) ->
                        tried(
                                home,
                                "input of " + container.name,
                                () -> conductor.parts().containerizer().input(container.id)));
    }

    public void closeStdin(String reference) {
        with(
                reference,
                Answer.<Boolean>ignore(),
                (container, home) ->
                        tried(
                                home,
                                "close stdin of " + container.name,
                                () -> {
                                    conductor.parts().containerizer().closeStdin(container.id);
                                    return true;
                                }));
    }

    /** Registers a watcher; what it is told comes on the asker's thread. The answer is a handle that ends the watch. */
    public Watch watch(
            String reference, ContainerWatcher watcher, Consumer<AgentException> failed) {
        HomeWatcher home = new HomeWatcher(watcher);
        conductor.offer(() -> {
            try {
                Container container = conductor.registry().resolve(reference);
                container.watchers.add(home);
                home.container = container;
                home.onWatching(container.view());
            } catch (AgentException e) {
                asker.accept(() -> failed.accept(e));
            }
        });
        return () ->
                conductor.offer(() -> {
                    Container container = home.container;
                    if (container != null) {
                        container.watchers.remove(home);
                    }
                });
    }

    /** A watch that can be ended. */
    @FunctionalInterface
    public interface Watch {
        void end();
    }

    /** Tells the listener what is kept of events, then what comes. */
    public Watch events(EventListener listener) {
        EventListener home =
                new EventListener() {
                    @Override
                    public void onEvent(AgentEvent event) {
                        asker.accept(() -> listener.onEvent(event));
                    }

                    @Override
                    public void onCaughtUp() {
                        asker.accept(listener::onCaughtUp);
                    }
                };
        conductor.offer(() -> conductor.events().subscribe(home));
        return () -> conductor.offer(() -> conductor.events().unsubscribe(home));
    }

    /** Publishes an event about an image. */
    public void tellImage(String action, String reference) {
        conductor.offer(
                () -> conductor.tell("image", action, reference, Map.of("name", reference)));
    }

    /** Devices with fresh figures, as far as their sources answer at once. */
    public void freshDevices(Answer<DeviceSnapshot> answer) {
        Answer<DeviceSnapshot> home = home(answer);
        conductor.offer(() -> conductor.grants().desk().fresh(home::onResult));
    }

    /** Devices as they were at the end of the last cycle. */
    public DeviceSnapshot devices() {
        return conductor.devices();
    }

    /** Full names of the devices that CDI files describe. */
    public List<String> cdiDevices() {
        return conductor.parts().devices().cdi().devices();
    }

    /** What a request for devices would get, and why. */
    public void explainDevices(String kind, Selection selection, Answer<Explanation> answer) {
        Answer<Explanation> home = home(answer);
        conductor.offer(() -> {
            try {
                home.onResult(conductor.grants().desk().explain(kind, selection, EXPLAINED_GROUPS));
            } catch (AgentException e) {
                home.onFailure(e);
            }
        });
    }

    /** An operator gives a device back. */
    public void releaseDevice(String name, Answer<Boolean> answer) {
        Answer<Boolean> home = home(answer);
        conductor.offer(() -> {
            try {
                conductor.grants().desk().lift(name);
                home.onResult(true);
            } catch (AgentException e) {
                home.onFailure(e);
            }
        });
    }

    /** Gives a running container more devices: their ids. */
    public void attachDevices(
            String reference, String kind, Selection selection, Answer<List<String>> answer) {
        with(
                reference,
                answer,
                (container, home) -> conductor.grants().attach(container, kind, selection, home));
    }

    /** Takes devices from a running container: their ids. */
    public void detachDevices(
            String reference, String kind, List<String> names, Answer<List<String>> answer) {
        with(
                reference,
                answer,
                (container, home) -> conductor.grants().detach(container, kind, names, home));
    }

    public void execCreate(String reference, ExecRequest request, Answer<String> answer) {
        with(
                reference,
                answer,
                (container, home) -> conductor.execs().create(container, request, home));
    }

    /** Starts an exec; {@code streams} move to the conductor. */
    public void execStart(
            String id, List<OwnedFd> streams, int rows, int columns, ExecWatcher watcher) {
        ExecWatcher home =
                new ExecWatcher() {
                    @Override
                    public void onStarted(int pid, Optional<OwnedFd> terminal) {
                        asker.accept(() -> watcher.onStarted(pid, terminal));
                    }

                    @Override
                    public void onFailed(AgentException failure) {
                        asker.accept(() -> watcher.onFailed(failure));
                    }

                    @Override
                    public void onEnded(int exitCode) {
                        asker.accept(() -> watcher.onEnded(exitCode));
                    }
                };
        conductor.offer(() -> conductor.execs().start(id, streams, rows, columns, home));
    }

    /** Sends a signal to an exec; false when it does not run. */
    public void execKill(String id, int signal, Answer<Boolean> answer) {
        Answer<Boolean> home = home(answer);
        conductor.offer(() -> conductor.execs().kill(id, signal, home));
    }

    public void execResize(String id, int rows, int columns, Answer<Boolean> answer) {
        Answer<Boolean> home = home(answer);
        conductor.offer(() -> conductor.execs().resize(id, rows, columns, home));
    }

    private interface Step<T> {
        void run(Container container, Answer<T> home);
    }

    private interface Attempt<T> {
        T run() throws ContainerizerException;
    }

    private static <T> void tried(Answer<T> home, String what, Attempt<T> attempt) {
        try {
            home.onResult(attempt.run());
        } catch (ContainerizerException e) {
            home.onFailure(AgentException.failed(what, e));
        }
    }

    private <T> void with(String reference, Answer<T> answer, Step<T> step) {
        Answer<T> home = home(answer);
        conductor.offer(() -> {
            Container container;
            try {
                container = conductor.registry().resolve(reference);
            } catch (AgentException e) {
                home.onFailure(e);
                return;
            }
            try {
                step.run(container, home);
            } catch (RuntimeException e) {
                // The asker must not wait for ever because of our bug.
                AgentLog.error("command on " + reference, e);
                home.onFailure(AgentException.failed("command on " + reference, e));
            }
        });
    }

    private <T> Answer<T> home(Answer<T> answer) {
        return new Answer<>() {
            @Override
            public void onResult(T result) {
                asker.accept(() -> answer.onResult(result));
            }

            @Override
            public void onFailure(AgentException failure) {
                asker.accept(() -> answer.onFailure(failure));
            }
        };
    }

    private final class HomeWatcher implements ContainerWatcher {
        private final ContainerWatcher watcher;
        private @org.jspecify.annotations.Nullable Container container;

        private HomeWatcher(ContainerWatcher watcher) {
            this.watcher = watcher;
        }

        @Override
        public void onWatching(ContainerView now) {
            asker.accept(() -> watcher.onWatching(now));
        }

        @Override
        public void onStarted(ContainerView now) {
            asker.accept(() -> watcher.onStarted(now));
        }

        @Override
        public void onEnded(ContainerView now) {
            Container ended = container;
            if (ended == null) {
                return;
            }
            ended.untold++;
            asker.accept(() -> {
                try {
                    watcher.onEnded(now);
                } finally {
                    conductor.offer(() -> told(ended));
                }
            });
        }

        private void told(Container ended) {
            ended.untold--;
            Optional<Runnable> next = ended.whenTold;
            if (ended.untold == 0 && next.isPresent()) {
                ended.whenTold = Optional.empty();
                next.get().run();
            }
        }

        @Override
        public void onRemoved(ContainerView last) {
            asker.accept(() -> watcher.onRemoved(last));
        }
    }
}
