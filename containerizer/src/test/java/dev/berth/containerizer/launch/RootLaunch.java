package dev.berth.containerizer.launch;

import dev.berth.isolator.ContainerConfig;
import dev.berth.isolator.ContainerConfig.Namespaces.NetworkMode;
import dev.berth.isolator.Isolator;
import dev.berth.isolator.LaunchPlan;
import dev.berth.isolator.Slot;
import dev.berth.isolator.Slots;
import dev.berth.isolator.standard.StandardIsolators;
import dev.berth.linux.Fd;
import dev.berth.linux.Linux;
import dev.berth.linux.OwnedFd;
import dev.berth.shim.ShimBinary;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Runs programs in a directory root through the real spawner, without an agent. Thread: one. */
final class RootLaunch implements AutoCloseable {
    private static final int POLLIN = 1;
    private static final int TIMEOUT_MS = 10_000;
    private static final int READ_LIMIT = 1 << 20;

    private final Linux linux = Linux.host();
    private final Path scratch;
    private final Path root;
    private final OwnedFd cgroup;
    private final SpawnerClient spawner;
    private final MonitorClient.Factory monitors = new MonitorClient.Factory(linux);
    private final List<Isolator> isolators;
    private int runs;

    /** What came of it. */
    record Result(Optional<LaunchFailure> failure, int waitStatus, String output) {
        int code() {
            return waitStatus >> 8;
        }
    }

    /** A running container: its monitor, its first process. */
    record Running(MonitorClient monitor, MonitorMessage.Started started, Path out, Path directory)
            implements AutoCloseable {
        @Override
        public void close() {
            monitor.close();
            started.pidfd().close();
            started.input().ifPresent(OwnedFd::close);
        }
    }

    RootLaunch(Path scratch) throws Exception {
        this.scratch = scratch;
        this.root = scratch.resolve("root");
        for (String directory : List.of("bin", "proc", "etc", "tmp", "home")) {
            Files.createDirectories(root.resolve(directory));
        }
        Files.setPosixFilePermissions(
                root.resolve("tmp"), PosixFilePermissions.fromString("rwxrwxrwx"));
        Path busybox = Path.of("/bin/busybox");
        Files.copy(busybox, root.resolve("bin/busybox"));
        for (String name :
                "sh id cat ls mount hostname touch mkdir stat readlink tty sleep echo ps umount pwd env test true chmod ulimit grep wc head kill dd"
                        .split(" ")) {
            Files.createSymbolicLink(root.resolve("bin").resolve(name), Path.of("busybox"));
        }
        Files.write(root.resolve("bin/probe"), ShimBinary.probe().bytes());
        Files.setPosixFilePermissions(
                root.resolve("bin/probe"), PosixFilePermissions.fromString("rwxr-xr-x"));
        isolators = StandardIsolators.of(linux);
        cgroup = linux.files().openat(Fd.CWD, "/dev/null", 0, 0);
        spawner =
                SpawnerClient.start(
                        linux,
                        ShimBinary.shim().bytes(),
                        cgroup,
                        1,
                        new SpawnerClient.Listener() {
                            @Override
                            public void onSocket(Optional<OwnedFd> before, OwnedFd now, int pid) {}

                            @Override
                            public void onNetworkNamespace() {}
                        });
    }

    Path root() {
        return root;
    }

    Linux linux() {
        return linux;
    }

    Configs config(String... argv) {
        Configs c = new Configs();
        c.argv = List.of(argv);
        c.env = List.of("PATH=/usr/bin:/bin", "HOME=/");
        return c;
    }

    /** Runs to the end. */
    Result run(Configs config) throws Exception {
        LaunchPlan plan = config.plan(isolators, false);
        try (Slots slots = new Slots()) {
            return run(config, plan, slots);
        }
    }

    /** As {@link #run}, sharing the pid and ipc namespaces of a running one. */
    Result runBeside(Running other, Configs config) throws Exception {
        LaunchPlan plan = config.plan(isolators, false);
        try (Slots slots = new Slots()) {
            for (Slot slot : List.of(Slot.PIDNS, Slot.IPCNS)) {
                slots.fill(slot, linux.files().duplicate(other.started().pidfd()));
            }
            return run(config, plan, slots);
        }
    }

    private Result run(Configs config, LaunchPlan plan, Slots slots) throws Exception {
        Sent sent = send(config.build(), plan, slots);
        try (MonitorClient monitor = sent.monitor) {
            MonitorMessage first = await(monitor);
            if (first instanceof MonitorMessage.Failed f) {
                return failed(sent.program, f);
            }
            if (!(first instanceof MonitorMessage.Started started)) {
                throw new AssertionError("unexpected " + first);
            }
            try (OwnedFd _ = started.pidfd()) {
                // The monitor of a container reads the terminal into the log; an exec's is ours.
                started.input().filter(_ -> !plan.exec()).ifPresent(OwnedFd::close);
                String terminal =
                        plan.exec() && started.input().isPresent()
                                ? drain(started.input().get())
                                : "";
                MonitorMessage last = await(monitor);
                if (!(last instanceof MonitorMessage.Exited exited)) {
                    throw new AssertionError("unexpected " + last);
                }
                return new Result(
                        Optional.empty(), exited.waitStatus(), terminal + log(sent.directory));
            }
        }
    }

    private Result failed(LaunchProgram program, MonitorMessage.Failed f) {
        return new Result(Optional.of(program.explain(f.section(), f.op(), f.errno())), -1, "");
    }

    /** Starts and leaves it running. */
    Running start(Configs config) throws Exception {
        LaunchPlan plan = config.plan(isolators, false);
        try (Slots slots = new Slots()) {
            return started(send(config.build(), plan, slots));
        }
    }

    private Running started(Sent sent) {
        MonitorMessage first = await(sent.monitor);
        if (first instanceof MonitorMessage.Started started) {
            return new Running(
                    sent.monitor, started, sent.directory.resolve("log"), sent.directory);
        }
        sent.monitor.close();
        throw new AssertionError(
                first instanceof MonitorMessage.Failed f
                        ? sent.program.explain(f.section(), f.op(), f.errno()).message()
                        : "unexpected " + first);
    }

    /** A further process; its standard output is a file. */
    Result exec(Running container, Configs config, boolean terminal) throws Exception {
        LaunchPlan plan = config.planExec(isolators, terminal, false);
        Path out = scratch.resolve("exec-out-" + runs);
        try (Slots slots = new Slots()) {
            slots.fill(Slot.PIDFD, linux.files().duplicate(container.started().pidfd()));
            if (!terminal) {
                slots.fill(Slot.STDIN, linux.files().openat(Fd.CWD, "/dev/null", 0, 0));
                for (Slot s : List.of(Slot.STDOUT, Slot.STDERR)) {
                    slots.fill(s, linux.files().openat(Fd.CWD, out.toString(), 0x441, 0600));
                }
            }
            Result result = run(config, plan, slots);
            return terminal
                    ? result
                    : new Result(result.failure(), result.waitStatus(), Files.readString(out));
        }
    }

    private record Sent(MonitorClient monitor, LaunchProgram program, Path directory) {}

    private Sent send(ContainerConfig config, LaunchPlan plan, Slots slots) throws Exception {
        Path directory = Files.createDirectories(scratch.resolve("run-" + runs++));
        if (!plan.exec()) {
            slots.fill(Slot.ROOT, linux.mounts().openTree(Fd.CWD, root.toString(), 1));
        }
        slots.fill(Slot.RUN_DIR, directory(directory));
        if (!plan.exec()) {
            slots.fill(Slot.LOG_DIR, directory(directory));
        }
        if (config.namespaces().network() == NetworkMode.NONE && !plan.exec()) {
            slots.fill(Slot.NETNS, namespace());
        }
        for (Isolator isolator : isolators) {
            isolator.acquire(config, plan, slots);
        }
        LaunchSettings settings = new LaunchSettings("exit", "monitor.sock", !plan.exec(), 0, 1);
        LaunchProgram program = LaunchProgram.lower(plan, settings, slots::isFile);
        byte[] bytes = program.encode();
        // What is sent is what is printed.
        LaunchProgram decoded = LaunchProgram.decode(bytes);
        List<OwnedFd> descriptors = new ArrayList<>();
        descriptors.add(SealedMemfd.of(linux, "program", bytes));
        OwnedFd[] pair = linux.sockets().seqpacketPair(true);
        descriptors.add(pair[1]);
        for (Slot slot : program.slots()) {
            descriptors.add(slots.take(slot).orElseThrow());
        }
        spawner.launch(bytes.length, descriptors);
        return new Sent(monitors.of(pair[0]), decoded, directory);
    }

    private OwnedFd directory(Path path) throws Exception {
        return linux.files().openat(Fd.CWD, path.toString(), 0x10000, 0);
    }

    private OwnedFd namespace() throws Exception {
        long deadline = System.nanoTime() + TIMEOUT_MS * 1_000_000L;
        while (System.nanoTime() < deadline) {
            spawner.poll(true);
            Optional<OwnedFd> found = spawner.takeNetworkNamespace();
            if (found.isPresent()) {
                return found.get();
            }
            linux.processes().poll(spawner.descriptor().orElseThrow(), POLLIN, 100);
        }
        throw new AssertionError("no network namespace");
    }

    private MonitorMessage await(MonitorClient monitor) {
        long deadline = System.nanoTime() + TIMEOUT_MS * 1_000_000L;
        try {
            while (System.nanoTime() < deadline) {
                Optional<MonitorMessage> message = monitor.receive();
                if (message.isPresent()) {
                    return message.get();
                }
                linux.processes().poll(monitor.descriptor(), POLLIN, 1000);
            }
        } catch (dev.berth.linux.ErrnoException e) {
            throw new AssertionError(e);
        }
        throw new AssertionError("the monitor says nothing");
    }

    private String drain(OwnedFd terminal) throws Exception {
        StringBuilder text = new StringBuilder();
        try (terminal;
                var arena = java.lang.foreign.Arena.ofConfined()) {
            var buffer = arena.allocate(4096);
            while (true) {
                linux.processes().poll(terminal, POLLIN, TIMEOUT_MS);
                int n = linux.files().read(terminal, buffer);
                if (n == 0) {
                    break;
                }
                if (n > 0) {
                    text.append(
                            new String(
                                    buffer.asSlice(0, n)
                                            .toArray(java.lang.foreign.ValueLayout.JAVA_BYTE),
                                    StandardCharsets.UTF_8));
                }
            }
        } catch (dev.berth.linux.ErrnoException e) {
            // EIO: the last holder of the slave is gone.
            return text.toString();
        }
        return text.toString();
    }

    private static String log(Path directory) throws IOException {
        Path file = directory.resolve("log");
        if (!Files.exists(file)) {
            return "";
        }
        byte[] bytes = Files.readAllBytes(file);
        var b = java.nio.ByteBuffer.wrap(bytes).order(java.nio.ByteOrder.LITTLE_ENDIAN);
        StringBuilder text = new StringBuilder();
        int at = 32;
        while (at + 24 <= bytes.length && bytes.length < READ_LIMIT) {
            int length = b.getInt(at);
            text.append(new String(bytes, at + 24, length, StandardCharsets.UTF_8));
            at += 24 + length;
        }
        return text.toString();
    }

    @Override
    public void close() {
        spawner.close();
        cgroup.close();
    }
}
