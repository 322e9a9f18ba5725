package dev.berth.gpu.nvml;

import dev.berth.linux.ErrnoException;
import dev.berth.linux.Fd;
import dev.berth.linux.Linux;
import dev.berth.linux.Poll;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.Optional;

/** The worker's end of the connection. Thread: any may send, which is one packet at a time in the kernel; one receives. */
final class WorkerSocket {
    private static final Fd SOCKET = Fd.borrowed(3);

    private final Linux linux;
    private final MemorySegment received = Arena.global().allocate(Packet.MOST_BYTES, 8);

    WorkerSocket(Linux linux) {
        this.linux = linux;
    }

    void send(WorkerMessage message) throws ErrnoException, PacketException {
        byte[] bytes = WorkerCodec.encode(message);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment packet = arena.allocate(bytes.length, 8);
            MemorySegment.copy(bytes, 0, packet, ValueLayout.JAVA_BYTE, 0, bytes.length);
            linux.sockets().send(SOCKET, packet, List.of());
        }
    }

    /** Waits for the next command; empty when the agent is gone. */
    Optional<WorkerCommand> receive() throws ErrnoException, PacketException {
        int length = linux.sockets().receive(SOCKET, received).length();
        if (length <= 0) {
            return Optional.empty();
        }
        byte[] bytes = received.asSlice(0, length).toArray(ValueLayout.JAVA_BYTE);
        return Optional.of(WorkerCodec.decodeCommand(bytes));
    }

    /** The agent is gone: also seen while the other thread is in a call that does not return. */
    boolean hungUp() throws ErrnoException {
        return (linux.processes().poll(SOCKET, 0, 0) & (Poll.POLLHUP | Poll.POLLERR)) != 0;
    }
}
