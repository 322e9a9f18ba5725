package dev.berth.agent;

import dev.berth.containerizer.Containerizer;
import dev.berth.containerizer.ContainerizerException;
import dev.berth.containerizer.ExitStatus;
import dev.berth.containerizer.launch.LaunchTimeline;
import dev.berth.containerizer.log.LogWriter;
import dev.berth.isolator.ContainerConfig;
import dev.berth.isolator.ContainerId;
import dev.berth.isolator.ResourceLimits;
import dev.berth.isolator.Usage;
import dev.berth.linux.ErrnoException;
import dev.berth.linux.Linux;
import dev.berth.linux.OwnedFd;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;

/**
 * Containers without a kernel: {@code echo WORDS} writes a line and ends, {@code exit N} ends with N, {@code nosuch} cannot be executed, {@code sleep} runs until a signal. Logs are real files.
 */
final class FakeContainerizer implements Containerizer {
    private final Path directory;
    private final ArrayDeque<ContainerEvent> events = new ArrayDeque<>();
    private final Map<ContainerId, Integer> running = new HashMap<>();
    private final Map<ContainerId, LogWriter> logs = new HashMap<>();
    final Set<ContainerId> roots = ConcurrentHashMap.newKeySet();
    final Map<ContainerId, ResourceLimits> updates = new ConcurrentHashMap<>();
    final Map<ContainerId, List<ContainerConfig.DeviceNode>> devices = new ConcurrentHashMap<>();
    final Map<ContainerId, ContainerConfig> configs = new ConcurrentHashMap<>();
    final List<ContainerConfig> preparations =
            java.util.Collections.synchronizedList(new ArrayList<>());
    final Set<ContainerId> tampered = ConcurrentHashMap.newKeySet();
    volatile Consumer<ResourceLimits> beforeUpdate = _ -> {};
    List<KnownContainer> recovered = List.of();
    private int pids = 1000;

    FakeContainerizer(Path directory) {
        this.directory = directory;
    }

    Path log(ContainerId id) {
        return directory.resolve(id.value()).resolve("log");
    }

    Path file(ContainerId id, String name) {
        return directory.resolve(id.value()).resolve("files").resolve(name);
    }

    @Override
    public void prepareRoot(ContainerId id, RootSource source) {
        roots.add(id);
        if (source instanceof RootSource.Layers(List<OwnedFd> layers, _)) {
            layers.forEach(OwnedFd::close);
        }
    }

    @Override
    public void removeRoot(ContainerId id) {
        roots.remove(id);
        try {
            Files.deleteIfExists(log(id).resolve("log"));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public ResolvedUser resolveUser(ContainerId id, String user, List<String> extraGroups)
            throws ContainerizerException {
        if (user.equals("nobody-here")) {
            throw new ContainerizerException("unable to find user nobody-here");
        }
        return user.isEmpty()
                ? new ResolvedUser(0, 0, List.of(), "/root")
                : new ResolvedUser(1000, 1000, List.of(), "/home");
    }

    @Override
    public void prepareStart(ContainerConfig config) throws ContainerizerException {
        if (!roots.contains(config.id())) {
            throw new ContainerizerException("no root was prepared");
        }
        preparations.add(config);
    }

    @Override
    public void start(ContainerConfig config, LogLimits limits) {
        ContainerId id = config.id();
        configs.put(id, config);
        List<String> argv = config.process().argv();
        if (argv.getFirst().equals("nosuch")) {
            events.add(new ContainerEvent.StartFailed(id, 127, "execve(nosuch): ENOENT"));
            return;
        }
        int pid = ++pids;
        running.put(id, pid);
        events.add(new ContainerEvent.Started(id, pid, new LaunchTimeline(List.of()), List.of()));
        switch (argv.getFirst()) {
            case "echo" -> {
                write(id, 1, String.join(" ", argv.subList(1, argv.size())) + "\n");
                end(id, 0);
            }
            case "both" -> {
                write(id, 1, "out\n");
                write(id, 2, "err\n");
                end(id, 0);
            }
            case "exit" -> end(id, Integer.parseInt(argv.get(1)) << 8);
            default -> {}
        }
    }

    private void write(ContainerId id, int stream, String text) {
        try {
            LogWriter log = logs.get(id);
            if (log == null) {
                Files.createDirectories(log(id));
                log = new LogWriter(log(id), 1);
                logs.put(id, log);
            }
            log.write(stream, System.currentTimeMillis() * 1_000_000L, text);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void end(ContainerId id, int waitStatus) {
        if (running.remove(id) != null) {
            events.add(
                    new ContainerEvent.Exited(
                            id,
                            new ExitStatus(
                                    waitStatus,
                                    false,
                                    System.currentTimeMillis() * 1_000_000L,
                                    0,
                                    0)));
        }
    }

    @Override
    public void exec(ContainerId id, ExecId exec, ExecSpec spec) {
        List<String> argv = spec.process().argv();
        if (argv.getFirst().equals("nosuch")) {
            spec.streams().forEach(OwnedFd::close);
            events.add(new ContainerEvent.ExecFailed(id, exec, 127, "execve(nosuch): ENOENT"));
            return;
        }
        events.add(new ContainerEvent.ExecStarted(id, exec, ++pids, Optional.empty()));
        int code = 0;
        try {
            if (argv.getFirst().equals("echo")) {
                String line = String.join(" ", argv.subList(1, argv.size())) + "\n";
                Linux.host()
                        .files()
                        .writeAll(spec.streams().get(1), line.getBytes(StandardCharsets.UTF_8));
            } else {
                code = Integer.parseInt(argv.get(1));
            }
        } catch (ErrnoException e) {
            code = 1;
        }
        spec.streams().forEach(OwnedFd::close);
        events.add(
                new ContainerEvent.ExecExited(id, exec, new ExitStatus(code << 8, false, 1, 0, 0)));
    }

    @Override
    public boolean signal(ContainerId id, int signal) {
        boolean there = running.containsKey(id);
        if (signal == 15 || signal == 9) {
            end(id, signal);
        }
        return there;
    }

    @Override
    public void kill(ContainerId id) {
        end(id, 9);
    }

    @Override
    public void pause(ContainerId id, boolean paused) {
        events.add(new ContainerEvent.Paused(id, paused));
    }

    @Override
    public LimitUpdate update(ContainerId id, ResourceLimits limits) {
        return new LimitUpdate() {
            @Override
            public void apply() {
                beforeUpdate.accept(limits);
                updates.put(id, limits);
            }

            @Override
            public void close() {}
        };
    }

    @Override
    public void updateDevices(ContainerConfig config) throws ContainerizerException {
        if (!running.containsKey(config.id())) {
            throw new ContainerizerException("container is not running");
        }
        devices.put(config.id(), config.devices());
    }

    @Override
    public List<ContainerId> verify() {
        List<ContainerId> all = List.copyOf(tampered);
        tampered.clear();
        return all;
    }

    @Override
    public Optional<Usage> usage(ContainerId id) {
        return running.containsKey(id)
                ? Optional.of(
                        new Usage(
                                1, 5000, 3000, 2000, 0, 0, 4096, 8192, 65536, 0, 0, 1, 10, 0, 0, 0,
                                0))
                : Optional.empty();
    }

    @Override
    public List<Integer> processes(ContainerId id) {
        return List.of((int) ProcessHandle.current().pid());
    }

    @Override
    public Optional<OwnedFd> input(ContainerId id) {
        return Optional.empty();
    }

    @Override
    public void closeStdin(ContainerId id) {}

    @Override
    public void resize(ContainerId id, int rows, int columns) {}

    @Override
    public void resizeExec(ContainerId id, ExecId exec, int rows, int columns) {}

    @Override
    public boolean signalExec(ContainerId id, ExecId exec, int signal) {
        return false;
    }

    @Override
    public void onDescriptors(DescriptorListener listener) {}

    @Override
    public int poll(ContainerEventHandler handler, int limit) {
        int count = 0;
        while (count < limit && !events.isEmpty()) {
            handler.onEvent(events.remove());
            count++;
        }
        return count;
    }

    @Override
    public void recover(List<KnownContainer> known) {
        recovered = known;
        for (KnownContainer container : known) {
            if (container.started()) {
                running.put(container.config().id(), ++pids);
                events.add(
                        new ContainerEvent.Started(
                                container.config().id(),
                                pids,
                                new LaunchTimeline(List.of()),
                                List.of()));
            }
        }
    }

    @Override
    public Enforcement enforcement() {
        return new Enforcement(List.of("memory limits are not enforced here"), List.of("pids"));
    }

    @Override
    public String plan(ContainerConfig config) {
        return "plan of " + config.process().argv() + "\n";
    }

    @Override
    public void close() {}
}
