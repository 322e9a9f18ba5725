package dev.berth.containerizer.launch;

import dev.berth.linux.ErrnoException;
import dev.berth.linux.Fd;
import dev.berth.linux.Linux;
import dev.berth.linux.OwnedFd;
import dev.berth.linux.Sockets;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * The agent's end of one monitor's socket: the launch socket, or a later connection to the socket in the run directory. Non-blocking.
 *
 * <p>Thread: conductor. Source: native-bindings/shim/PROTOCOL.md section 3.
 */
public final class MonitorClient implements AutoCloseable {
    private static final int STARTED_BYTES = 16 + 8 * ShimPacket.STAMPS;
    private static final int FAILED_BYTES = 16 + 8 * ShimPacket.STAMPS;
    private static final int EXITED_BYTES = 48;
    private static final int STATE_BYTES = 16;

    private final OwnedFd socket;
    private final ShimPacket packet;

    /**
     * @param packet a buffer that clients of one thread may share
     */
    private MonitorClient(OwnedFd socket, ShimPacket packet) {
        this.socket = socket;
        this.packet = packet;
    }

    /** Makes clients that share one packet buffer. */
    public static final class Factory {
        private final Linux linux;
        private final ShimPacket packet;

        public Factory(Linux linux) {
            this.linux = linux;
            this.packet = new ShimPacket(linux, ShimPacket.MONITOR_MAGIC);
        }

        /** Takes a connected socket over, which must be non-blocking. */
        public MonitorClient of(OwnedFd socket) {
            return new MonitorClient(socket, packet);
        }

        /**
         * Connects to a monitor that another agent launched and says HELLO; the answer is a {@link MonitorMessage.State}. Empty when no monitor listens there.
         *
         * @param runDirectory the directory that has the socket
         */
        public Optional<MonitorClient> connect(Fd runDirectory, String name) throws ErrnoException {
            Optional<OwnedFd> connected = linux.sockets().seqpacketConnect(runDirectory, name);
            if (connected.isEmpty()) {
                return Optional.empty();
            }
            OwnedFd socket = connected.get();
            MonitorClient client = new MonitorClient(socket, packet);
            try {
                linux.files().setNonBlocking(socket, true);
                packet.putShort(0, ShimPacket.VERSION);
                packet.putShort(2, ShimPacket.VERSION);
                if (packet.send(socket, ShimPacket.HELLO, 4, List.of())) {
                    return Optional.of(client);
                }
            } catch (ErrnoException e) {
                client.close();
                throw e;
            }
            client.close();
            return Optional.empty();
        }
    }

    /** What to watch for input. */
    public Fd descriptor() {
        return socket;
    }

    /** The next message; empty when there is none now. A socket error and a packet that makes no sense are {@link MonitorMessage.Closed}. */
    public Optional<MonitorMessage> receive() {
        Sockets.Received received;
        try {
            received = packet.receive(socket);
        } catch (ErrnoException e) {
            return Optional.of(new MonitorMessage.Closed());
        }
        if (received.length() < 0) {
            return Optional.empty();
        }
        if (received.length() == 0) {
            return Optional.of(new MonitorMessage.Closed());
        }
        List<OwnedFd> left = new ArrayList<>(received.descriptors());
        try {
            return Optional.of(parse(left));
        } finally {
            left.forEach(OwnedFd::close);
        }
    }

    private MonitorMessage parse(List<OwnedFd> descriptors) {
        int type = packet.type();
        if (type == ShimPacket.STARTED && packet.has(STARTED_BYTES) && !descriptors.isEmpty()) {
            return started(packet.intAt(0), packet.longAt(8), packet.stampsAt(16), descriptors);
        }
        if (type == ShimPacket.FAILED && packet.has(FAILED_BYTES)) {
            return failed(0);
        }
        if (type == ShimPacket.EXITED && packet.has(EXITED_BYTES)) {
            return exited(0);
        }
        if (type == ShimPacket.STATE && packet.has(STATE_BYTES)) {
            return state(descriptors);
        }
        if (type == ShimPacket.ACK && packet.has(8)) {
            return new MonitorMessage.Ack(packet.intAt(0), packet.intAt(4));
        }
        return new MonitorMessage.Closed();
    }

    private static MonitorMessage.Started started(
            int pid, long startTime, List<Long> stamps, List<OwnedFd> descriptors) {
        OwnedFd pidfd = descriptors.removeFirst();
        Optional<OwnedFd> input =
                descriptors.isEmpty() ? Optional.empty() : Optional.of(descriptors.removeFirst());
        return new MonitorMessage.Started(pid, startTime, stamps, pidfd, input);
    }

    private MonitorMessage failed(int at) {
        return new MonitorMessage.Failed(
                packet.intAt(at),
                packet.intAt(at + 4),
                packet.intAt(at + 8),
                packet.stampsAt(at + 16));
    }

    private MonitorMessage exited(int at) {
        return new MonitorMessage.Exited(
                packet.intAt(at),
                (packet.intAt(at + 4) & 1) != 0,
                packet.longAt(at + 8),
                packet.longAt(at + 16),
                packet.longAt(at + 24),
                packet.longAt(at + 32),
                packet.longAt(at + 40));
    }

    private MonitorMessage state(List<OwnedFd> descriptors) {
        int state = packet.byteAt(2);
        if (state == 2 && !descriptors.isEmpty()) {
            return new MonitorMessage.State(
                    Optional.of(started(packet.intAt(4), packet.longAt(8), List.of(), descriptors)),
                    Optional.empty());
        }
        if (state == 3 && packet.has(STATE_BYTES + FAILED_BYTES)) {
            return new MonitorMessage.State(Optional.empty(), Optional.of(failed(STATE_BYTES)));
        }
        if (state == 3 && packet.has(STATE_BYTES + EXITED_BYTES)) {
            return new MonitorMessage.State(Optional.empty(), Optional.of(exited(STATE_BYTES)));
        }
        return new MonitorMessage.State(Optional.empty(), Optional.empty());
    }

    /** Asks the monitor to close its end of standard input. */
    public void closeStdin() throws ErrnoException {
        packet.send(socket, ShimPacket.CLOSE_STDIN, 0, List.of());
    }

    /** Sets the size of the terminal's window. */
    public void resize(int rows, int columns) throws ErrnoException {
        packet.putShort(0, rows);
        packet.putShort(2, columns);
        packet.send(socket, ShimPacket.RESIZE, 4, List.of());
    }

    /** Asks the monitor to open its log files anew, by name. */
    public void reopenLog() throws ErrnoException {
        packet.send(socket, ShimPacket.REOPEN_LOG, 0, List.of());
    }

    @Override
    public void close() {
        socket.close();
    }
}
