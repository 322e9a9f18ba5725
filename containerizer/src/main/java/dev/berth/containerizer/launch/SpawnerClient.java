package dev.berth.containerizer.launch;

import dev.berth.linux.Errno;
import dev.berth.linux.ErrnoException;
import dev.berth.linux.Fd;
import dev.berth.linux.Linux;
import dev.berth.linux.Memfd;
import dev.berth.linux.Open;
import dev.berth.linux.OwnedFd;
import dev.berth.linux.Signal;
import dev.berth.linux.Sockets;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * The spawner process: started from a sealed copy of the shim, handed one launch per packet, restarted when it dies (containers and their monitors live on), and the source of the pool of network namespaces, each of
 * which is used once.
 *
 * <p>Thread: conductor; no method waits. Source: native-bindings/shim/PROTOCOL.md section 2.
 */
public final class SpawnerClient implements AutoCloseable {
    private static final int NAMESPACES_PER_REQUEST = 2;
    private static final int MOST_RESTARTS_IN_A_ROW = 5;

    private final Linux linux;
    private final Fd monitorsCgroup;

    /**
     * Making a network namespace takes half a millisecond of a processor that a container which has just been started, or has just ended, can use better: the pool is filled up when it is half empty or after this
     * rest.
     */
    public static final long REFILL_AFTER_NS = 20_000_000;

    private final int poolTarget;
    private final OwnedFd binary;
    private final ShimPacket packet;
    private final ArrayDeque<OwnedFd> pool = new ArrayDeque<>();
    private long lastTakenNs = System.nanoTime() - REFILL_AFTER_NS;
    private final ArrayDeque<Pending> pending = new ArrayDeque<>();
    private final Listener listener;
    private Optional<OwnedFd> socket = Optional.empty();
    private int pid;
    private int namespacesAsked;
    private int restartsInARow;
    private long restarts;

    /** Told of what concerns more than one launch. */
    public interface Listener {
        /** The spawner's socket changed: watch the new one; the old one is closed after this returns. */
        void onSocket(Optional<OwnedFd> before, OwnedFd now, int pid);

        /** A network namespace came into the pool. */
        void onNetworkNamespace();
    }

    private record Pending(int size, List<OwnedFd> descriptors) {}

    private SpawnerClient(
            Linux linux, Fd monitorsCgroup, OwnedFd binary, int poolTarget, Listener listener) {
        this.linux = linux;
        this.monitorsCgroup = monitorsCgroup;
        this.binary = binary;
        this.poolTarget = poolTarget;
        this.listener = listener;
        this.packet = new ShimPacket(linux, ShimPacket.SPAWNER_MAGIC);
    }

    /**
     * Starts a spawner.
     *
     * @param shim the shim's executable file
     * @param monitorsCgroup directory of the cgroup that monitors live in; borrowed for the life of this object
     * @param poolTarget how many network namespaces to hold ready; 0 for no pool
     */
    public static SpawnerClient start(
            Linux linux, byte[] shim, Fd monitorsCgroup, int poolTarget, Listener listener)
            throws ErrnoException {
        SpawnerClient client =
                new SpawnerClient(linux, monitorsCgroup, seal(linux, shim), poolTarget, listener);
        try {
            client.spawn();
            return client;
        } catch (ErrnoException e) {
            client.close();
            throw e;
        }
    }

    private static OwnedFd seal(Linux linux, byte[] shim) throws ErrnoException {
        OwnedFd memfd;
        try {
            memfd =
                    linux.files()
                            .memfdCreate("berth-shim", Memfd.MFD_ALLOW_SEALING | Memfd.MFD_EXEC);
        } catch (ErrnoException e) {
            if (e.errno() != Errno.EINVAL) {
                throw e;
            }
            // Before Linux 6.3 there is no MFD_EXEC, and every memfd is executable.
            memfd = linux.files().memfdCreate("berth-shim", Memfd.MFD_ALLOW_SEALING);
        }
        try {
            linux.files().writeAll(memfd, shim);
            linux.files().addSeals(memfd, SealedMemfd.SEALS);
            // execve of a file that is open for writing is ETXTBSY: a read-only view is used.
            return reopen(linux, memfd);
        } finally {
            memfd.close();
        }
    }

    private static OwnedFd reopen(Linux linux, OwnedFd memfd) throws ErrnoException {
        return linux.files().openat(Fd.CWD, "/proc/self/fd/" + memfd.number(), 0, 0);
    }

    private void spawn() throws ErrnoException {
        OwnedFd[] pair = linux.sockets().seqpacketPair(true);
        try (OwnedFd theirs = pair[1];
                OwnedFd devNull = linux.files().openat(Fd.CWD, "/dev/null", Open.O_RDWR, 0)) {
            linux.files().setNonBlocking(theirs, false);
            pid =
                    linux.processes()
                            .posixSpawn(
                                    binary,
                                    List.of("berth-shim", "spawner"),
                                    List.of(),
                                    List.of(
                                            devNull,
                                            devNull,
                                            Fd.borrowed(2),
                                            theirs,
                                            monitorsCgroup));
        } catch (ErrnoException e) {
            pair[0].close();
            throw e;
        }
        Optional<OwnedFd> before = socket;
        socket = Optional.of(pair[0]);
        listener.onSocket(before, pair[0], pid);
        before.ifPresent(OwnedFd::close);
        namespacesAsked = 0;
    }

    /** The spawner's process. */
    public int pid() {
        return pid;
    }

    /** The socket to watch. */
    public Optional<OwnedFd> descriptor() {
        return socket;
    }

    /** How often a spawner that died was replaced. */
    public long restarts() {
        return restarts;
    }

    /** Network namespaces that are ready. */
    public int poolSize() {
        return pool.size();
    }

    /** A fresh network namespace with loopback up; empty when the pool is dry ({@link Listener#onNetworkNamespace} will tell). */
    public Optional<OwnedFd> takeNetworkNamespace() {
        lastTakenNs = System.nanoTime();
        return Optional.ofNullable(pool.pollFirst());
    }

    /**
     * Sends a launch. The result comes on the launch socket, whose other end is the caller's. When the spawner's socket is full, the launch waits here for the next {@link #poll}.
     *
     * @param programBytes size of the program
     * @param descriptors program, launch socket, then the program's own; all are given away
     */
    public void launch(int programBytes, List<OwnedFd> descriptors) throws ErrnoException {
        if (socket.isEmpty()) {
            descriptors.forEach(OwnedFd::close);
            throw gone();
        }
        if (!pending.isEmpty() || !trySend(programBytes, descriptors)) {
            pending.add(new Pending(programBytes, descriptors));
        }
    }

    private boolean trySend(int programBytes, List<OwnedFd> descriptors) throws ErrnoException {
        if (socket.isEmpty()) {
            return false;
        }
        boolean sent;
        packet.putInt(0, programBytes);
        try {
            sent = packet.send(socket.get(), ShimPacket.LAUNCH, 4, descriptors);
        } catch (ErrnoException e) {
            if (e.errno() != Errno.EPIPE && e.errno() != Errno.ECONNRESET) {
                descriptors.forEach(OwnedFd::close);
                throw e;
            }
            // The spawner has died: poll() sees that and starts another, which gets this launch.
            return false;
        }
        if (sent) {
            descriptors.forEach(OwnedFd::close);
        }
        return sent;
    }

    /**
     * Receives answers, restarts a dead spawner, sends what had to wait, and fills the pool.
     *
     * @param quiet whether no launch is under way: only then are namespaces asked for beyond the bare need
     * @return work count
     */
    public int poll(boolean quiet) throws ErrnoException {
        int work = 0;
        while (socket.isPresent()) {
            Sockets.Received received;
            try {
                received = packet.receive(socket.get());
            } catch (ErrnoException e) {
                received = new Sockets.Received(0, List.of());
            }
            if (received.length() < 0) {
                break;
            }
            work++;
            if (received.length() == 0) {
                restart();
                break;
            }
            answer(received);
        }
        while (!pending.isEmpty()) {
            Pending next = pending.getFirst();
            if (!trySend(next.size, next.descriptors)) {
                break;
            }
            pending.removeFirst();
            work++;
        }
        refill(quiet);
        return work;
    }

    private void restart() throws ErrnoException {
        linux.processes().waitChild(pid);
        restarts++;
        if (++restartsInARow <= MOST_RESTARTS_IN_A_ROW) {
            spawn();
            return;
        }
        // Told once, then every launch is refused: containers that run are not concerned.
        socket.ifPresent(OwnedFd::close);
        socket = Optional.empty();
        pid = 0;
        pending.forEach(p -> p.descriptors.forEach(OwnedFd::close));
        pending.clear();
        throw gone();
    }

    private ErrnoException gone() {
        return new ErrnoException(
                "execve",
                Errno.ECHILD,
                "the spawner died "
                        + restartsInARow
                        + " times without doing anything: see the kernel log, and restart the agent");
    }

    private void answer(Sockets.Received received) {
        restartsInARow = 0;
        List<OwnedFd> descriptors = new ArrayList<>(received.descriptors());
        if (packet.type() == ShimPacket.NETNS_ANSWER) {
            namespacesAsked = 0;
            for (OwnedFd namespace : descriptors) {
                pool.addLast(namespace);
                listener.onNetworkNamespace();
            }
        } else {
            descriptors.forEach(OwnedFd::close);
        }
    }

    private void refill(boolean quiet) throws ErrnoException {
        boolean rested = quiet && System.nanoTime() - lastTakenNs >= REFILL_AFTER_NS;
        boolean low = quiet && pool.size() <= poolTarget / 2;
        if (socket.isEmpty()
                || namespacesAsked > 0
                || pool.size() >= poolTarget
                || !(pool.isEmpty() || low || rested)) {
            return;
        }
        int count = Math.min(NAMESPACES_PER_REQUEST, poolTarget - pool.size());
        packet.putInt(0, count);
        try {
            if (packet.send(socket.get(), ShimPacket.NETNS, 4, List.of())) {
                namespacesAsked = count;
            }
        } catch (ErrnoException e) {
            if (e.errno() != Errno.EPIPE && e.errno() != Errno.ECONNRESET) {
                throw e;
            }
        }
    }

    /** Ends the spawner (by the end of its socket) and closes the pool; monitors and containers are not touched. */
    @Override
    public void close() {
        pending.forEach(p -> p.descriptors.forEach(OwnedFd::close));
        pending.clear();
        pool.forEach(OwnedFd::close);
        pool.clear();
        Optional<OwnedFd> open = socket;
        socket = Optional.empty();
        open.ifPresent(OwnedFd::close);
        binary.close();
        reap();
    }

    private void reap() {
        if (pid == 0) {
            return;
        }
        try {
            Optional<OwnedFd> process = linux.processes().pidfdOpen(pid);
            if (process.isPresent()) {
                try (OwnedFd pidfd = process.get()) {
                    // It ends by itself on EOF within a millisecond; a stuck one is killed.
                    if (linux.processes().poll(pidfd, 1, 500) == 0) {
                        linux.processes().pidfdSendSignal(pidfd, Signal.SIGKILL);
                        linux.processes().poll(pidfd, 1, 500);
                    }
                }
            }
            linux.processes().waitChild(pid);
        } catch (ErrnoException e) {
            // Nothing is left to do for a child that cannot be waited for.
            pid = 0;
        }
        pid = 0;
    }
}
