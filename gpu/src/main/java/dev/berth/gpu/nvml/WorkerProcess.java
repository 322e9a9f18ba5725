package dev.berth.gpu.nvml;

import dev.berth.linux.Errno;
import dev.berth.linux.ErrnoException;
import dev.berth.linux.Fd;
import dev.berth.linux.Linux;
import dev.berth.linux.OwnedFd;
import dev.berth.linux.Signal;
import dev.berth.linux.Sockets.Received;
import dev.berth.linux.process.HelperCommand;
import dev.berth.linux.process.HelperProcess;
import dev.berth.linux.process.HelperResult;

import java.io.File;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;

/** The worker's process, seen from the agent. Thread: the lane. */
final class WorkerProcess implements Worker {
    private final Linux linux;
    private final HelperProcess process;
    private final OwnedFd socket;
    private final OwnedFd clock;
    private final Arena arena = Arena.ofConfined();
    private final MemorySegment received = arena.allocate(Packet.MOST_BYTES, 8);
    private boolean hungUp;

    private WorkerProcess(Linux linux, HelperProcess process, OwnedFd socket, OwnedFd clock) {
        this.linux = linux;
        this.process = process;
        this.socket = socket;
        this.clock = clock;
    }

    static WorkerProcess start(Linux linux, NvmlSettings settings) throws ErrnoException {
        NvmlSettings.Worker how = settings.worker();
        List<String> argv = new ArrayList<>();
        argv.add("java");
        argv.addAll(how.jvmFlags());
        argv.addAll(List.of("-cp", absolute(how.classPath()), WorkerMain.class.getName()));
        argv.add(settings.library().toString());
        argv.add(Long.toString(settings.deadlines().eventWait().toMillis()));
        HelperCommand command =
                new HelperCommand(
                        new HelperCommand.Program.AtPath(how.java().toString()),
                        argv,
                        how.environment(),
                        how.cgroup());
        OwnedFd[] pair = linux.sockets().seqpacketPair(false);
        OwnedFd clock = null;
        try (OwnedFd theirs = pair[1];
                OwnedFd nothing = HelperProcess.devNull(linux)) {
            clock = linux.files().memfdCreate("berth-gpu-call-clock", 0);
            linux.files().ftruncate(clock, CallClock.BYTES);
            linux.files().setNonBlocking(pair[0], true);
            List<Fd> descriptors = List.of(nothing, how.log(), how.log(), theirs, clock);
            HelperProcess process = HelperProcess.start(linux, command, descriptors);
            return new WorkerProcess(linux, process, pair[0], clock);
        } catch (ErrnoException e) {
            pair[0].close();
            if (clock != null) {
                clock.close();
            }
            throw e;
        }
    }

    /** A helper does not run where its agent was started. An empty part of a class path is that place, too. */
    private static String absolute(String classPath) {
        return Arrays.stream(classPath.split(File.pathSeparator, -1))
                .map(part -> Path.of(part).toAbsolutePath().toString())
                .collect(Collectors.joining(File.pathSeparator));
    }

    /** Readable when there is a message or an end. */
    Fd readable() {
        return socket;
    }

    int pid() {
        return process.pid();
    }

    @Override
    public void send(WorkerCommand command) throws ErrnoException, PacketException {
        byte[] bytes = WorkerCodec.encode(command);
        try (Arena packets = Arena.ofConfined()) {
            MemorySegment packet = packets.allocate(bytes.length, 8);
            MemorySegment.copy(bytes, 0, packet, ValueLayout.JAVA_BYTE, 0, bytes.length);
            if (!linux.sockets().send(socket, packet, List.of())) {
                // One command at a time: it has not read a single one of many.
                throw new ErrnoException("sendmsg", Errno.EAGAIN, name() + " reads nothing");
            }
        }
    }

    @Override
    public Optional<WorkerMessage> receive() throws ErrnoException, PacketException {
        if (hungUp) {
            return Optional.empty();
        }
        Received packet;
        try {
            packet = linux.sockets().receive(socket, received);
        } catch (ErrnoException e) {
            if (e.errno() != Errno.ECONNRESET) {
                throw e;
            }
            hungUp = true;
            return Optional.empty();
        }
        packet.descriptors().forEach(OwnedFd::close);
        if (packet.length() <= 0) {
            hungUp = packet.length() == 0;
            return Optional.empty();
        }
        byte[] bytes = received.asSlice(0, packet.length()).toArray(ValueLayout.JAVA_BYTE);
        return Optional.of(WorkerCodec.decodeMessage(bytes));
    }

    @Override
    public Optional<String> ended() throws ErrnoException {
        if (!hungUp) {
            return Optional.empty();
        }
        // It has closed its end: it is at its end or will be killed.
        Optional<Integer> status = process.await(Duration.ofMillis(500));
        return Optional.of(
                status.map(value -> new HelperResult(value, new byte[0], new byte[0], false, false))
                        .map(HelperResult::describe)
                        .orElse("it has closed its connection"));
    }

    @Override
    public CallClock.View[] calls() throws ErrnoException {
        return CallClock.read(linux, clock);
    }

    @Override
    public boolean kill(Duration grace) throws ErrnoException {
        process.signal(Signal.SIGKILL);
        return process.await(grace).isPresent();
    }

    @Override
    public String name() {
        return "gpu-worker " + process.pid();
    }

    /** Its pidfd is left to a process that cannot be ended: waiting for it is what close would do. */
    @Override
    public void close() {
        socket.close();
        clock.close();
        arena.close();
        try {
            if (process.ended().isPresent()) {
                process.close();
            }
        } catch (ErrnoException e) {
            // ECHILD: it was reaped elsewhere.
            process.close();
        }
    }
}
