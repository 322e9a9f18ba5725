package dev.berth.gpu.proc;

import dev.berth.gpu.Device;
import dev.berth.gpu.DeviceException;
import dev.berth.gpu.DeviceId;
import dev.berth.gpu.DeviceTable;
import dev.berth.gpu.HealthSignal;
import dev.berth.gpu.PciAddress;
import dev.berth.linux.Errno;
import dev.berth.linux.ErrnoException;
import dev.berth.linux.Fd;
import dev.berth.linux.Files;
import dev.berth.linux.Inotify;
import dev.berth.linux.Linux;
import dev.berth.linux.Open;
import dev.berth.linux.OwnedFd;
import dev.berth.linux.Statx;

import org.jspecify.annotations.Nullable;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/**
 * XIDs and SXids from the kernel's log, beside NVML and without it: it still speaks when NVML hangs. Only what is said from now on.
 *
 * <p>One thread of its own reads; equal records that were not fetched yet are one, so that a storm costs no memory, and when there are too many different ones that is said as {@link
 * HealthSignal.Kind#EVENTS_LOST}, as is an overrun of the kernel's buffer. Besides the real device a FIFO or a regular file is read, for simulated hosts.
 *
 * <p>Thread: any, one at a time, except the callback, which runs on the reader's thread. Source: Documentation/ABI/testing/dev-kmsg.
 */
public final class KmsgReader implements AutoCloseable {
    /** More different records than this before they are fetched: some are lost. */
    static final int MAX_PENDING = 512;

    private static final String SOURCE = "kmsg";
    private static final int BUFFER_BYTES = 16 * 1024;
    private static final int READS_PER_ROUND = 256;
    private static final int SEEK_SET = 0;
    private static final int SEEK_END = 2;
    private static final long STOP = 0;
    private static final long DATA = 1;

    private final Linux linux;
    private final Path path;
    private final OwnedFd log;
    private final OwnedFd epoll;
    private final OwnedFd stop;
    private final @Nullable OwnedFd changes;
    private final boolean records;
    private final Thread thread;
    private final Runnable wake;
    private final LineBuffer lines = new LineBuffer(KmsgLine.MAX_CHARS, this::line);
    private final Map<Key, Pending> pending = new LinkedHashMap<>();
    private @Nullable Map<PciAddress, DeviceId> devices;
    private boolean lost;
    private long read;
    private boolean closed;
    private long offset;

    private record Key(HealthSignal.Kind kind, PciAddress pci, int code, OptionalInt pid) {}

    private record Pending(String words, long realtimeNs) {}

    /**
     * Opens the log and starts to read at its end.
     *
     * @param path {@code HOSTROOT/dev/kmsg}
     * @param wake called when there is something to {@link #poll} after there was nothing
     * @throws DeviceException when it is not there or may not be read; XIDs then come from NVML alone
     */
    public static KmsgReader open(Linux linux, Path path, Runnable wake) throws DeviceException {
        KmsgReader reader;
        try {
            reader = new KmsgReader(linux, path, wake);
        } catch (ErrnoException e) {
            throw new DeviceException(
                    "read the kernel's log "
                            + path
                            + ": XIDs are not seen there; run the agent as root on a host that has it",
                    e);
        }
        reader.thread.start();
        return reader;
    }

    private KmsgReader(Linux linux, Path path, Runnable wake) throws ErrnoException {
        this.linux = linux;
        this.path = path;
        this.wake = wake;
        Files files = linux.files();
        Statx found =
                files.statx(Fd.CWD, path.toString(), 0)
                        .orElseThrow(
                                () -> new ErrnoException("statx", Errno.ENOENT, path.toString()));
        boolean regular = found.isRegular();
        records = found.isCharDevice();
        // A FIFO that is also open for writing never ends and never says EPOLLHUP.
        int access = records || regular ? Open.O_RDONLY : Open.O_RDWR;
        OwnedFd[] made = new OwnedFd[4];
        try {
            made[0] =
                    files.openat(
                            Fd.CWD, path.toString(), access | Open.O_NONBLOCK | Open.O_NOCTTY, 0);
            made[1] = linux.epoll().create();
            made[2] = files.eventfd();
            linux.epoll().add(made[1], made[2], STOP);
            if (regular) {
                made[3] = files.inotifyInit();
                files.inotifyAddWatch(made[3], Fd.CWD, path.toString(), Inotify.IN_MODIFY);
                linux.epoll().add(made[1], made[3], DATA);
            } else {
                linux.epoll().add(made[1], made[0], DATA);
            }
            if (records || regular) {
                offset = files.lseek(made[0], 0, SEEK_END);
            }
        } catch (ErrnoException e) {
            for (OwnedFd fd : made) {
                if (fd != null) {
                    fd.close();
                }
            }
            throw e;
        }
        log = made[0];
        epoll = made[1];
        stop = made[2];
        changes = made[3];
        thread = Thread.ofPlatform().daemon().name("berth-kmsg").unstarted(this::run);
    }

    private void run() {
        long[] tokens = new long[4];
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment buffer = arena.allocate(BUFFER_BYTES);
            while (true) {
                int ready = linux.epoll().wait(epoll, tokens, -1);
                for (int i = 0; i < ready; i++) {
                    if (tokens[i] == STOP) {
                        return;
                    }
                }
                if (changes != null) {
                    linux.files().read(changes, buffer);
                    restartWhenCut();
                }
                drain(buffer);
            }
        } catch (ErrnoException _) {
            // Nothing more will be heard: whoever listens has to look for itself.
            markLost();
        }
    }

    /** A regular file that became shorter was written anew. */
    private void restartWhenCut() throws ErrnoException {
        Optional<Statx> now = linux.files().statx(Fd.CWD, path.toString(), 0);
        if (now.isPresent() && now.get().sizeBytes() < offset) {
            offset = linux.files().lseek(log, 0, SEEK_SET);
        }
    }

    private void drain(MemorySegment buffer) throws ErrnoException {
        for (int i = 0; i < READS_PER_ROUND || changes != null; i++) {
            int n;
            try {
                n = linux.files().read(log, buffer);
            } catch (ErrnoException e) {
                if (e.errno() == Errno.EPIPE) {
                    markLost();
                    continue;
                }
                throw e;
            }
            if (n <= 0) {
                return;
            }
            offset += n;
            byte[] bytes = buffer.asSlice(0, n).toArray(ValueLayout.JAVA_BYTE);
            if (records) {
                String text = new String(bytes, StandardCharsets.UTF_8);
                int end = text.indexOf('\n');
                line(end < 0 ? text : text.substring(0, end));
            } else {
                lines.add(bytes);
            }
        }
    }

    private void line(String line) {
        synchronized (pending) {
            read++;
        }
        Optional<KmsgLine> found = KmsgLine.parse(line);
        if (found.isEmpty()) {
            return;
        }
        switch (found.get()) {
            case KmsgLine.Xid(PciAddress pci, int code, OptionalInt pid, String words) ->
                    add(new Key(HealthSignal.Kind.XID, pci, code, pid), words);
            case KmsgLine.SwitchXid(PciAddress pci, int code, String words) ->
                    add(
                            new Key(HealthSignal.Kind.SXID, pci, code, OptionalInt.empty()),
                            words + " at " + pci);
            case KmsgLine.Lost(PciAddress pci, String words) ->
                    add(new Key(HealthSignal.Kind.GPU_LOST, pci, 0, OptionalInt.empty()), words);
        }
    }

    private void add(Key key, String words) {
        boolean first;
        synchronized (pending) {
            first = pending.isEmpty() && !lost;
            if (pending.containsKey(key)) {
                return;
            }
            if (pending.size() == MAX_PENDING) {
                lost = true;
                return;
            }
            pending.put(key, new Pending(words, realtimeNs()));
        }
        if (first) {
            wake.run();
        }
    }

    private void markLost() {
        boolean first;
        synchronized (pending) {
            first = pending.isEmpty() && !lost;
            lost = true;
        }
        if (first) {
            wake.run();
        }
    }

    /** Which GPU sits where; what came before the first table waits for it. */
    public void onTable(DeviceTable table) {
        Map<PciAddress, DeviceId> known = new HashMap<>();
        for (Device device : table.devices()) {
            device.pci().ifPresent(pci -> known.put(slot(pci), device.id()));
        }
        synchronized (pending) {
            devices = known;
        }
    }

    /** The log names the slot, not the function. */
    private static PciAddress slot(PciAddress pci) {
        return new PciAddress(pci.domain(), pci.bus(), pci.device(), 0);
    }

    /** Hands over at most {@code limit} signals and returns how many; never blocks. What concerns devices that are not in the table is dropped. */
    public int poll(Consumer<HealthSignal> to, int limit) {
        int count = 0;
        while (count < limit) {
            HealthSignal signal = take();
            if (signal == null) {
                break;
            }
            to.accept(signal);
            count++;
        }
        return count;
    }

    private @Nullable HealthSignal take() {
        synchronized (pending) {
            if (devices == null) {
                return null;
            }
            Iterator<Map.Entry<Key, Pending>> entries = pending.entrySet().iterator();
            while (entries.hasNext()) {
                Map.Entry<Key, Pending> entry = entries.next();
                entries.remove();
                Key key = entry.getKey();
                boolean everyone = key.kind() == HealthSignal.Kind.SXID;
                DeviceId device = everyone ? null : devices.get(slot(key.pci()));
                if (everyone || device != null) {
                    return new HealthSignal(
                            Optional.ofNullable(device),
                            key.kind(),
                            key.code(),
                            key.pid(),
                            entry.getValue().words(),
                            SOURCE,
                            entry.getValue().realtimeNs());
                }
            }
            if (!lost) {
                return null;
            }
            lost = false;
            return new HealthSignal(
                    Optional.empty(),
                    HealthSignal.Kind.EVENTS_LOST,
                    0,
                    OptionalInt.empty(),
                    "records of the kernel's log were lost",
                    SOURCE,
                    realtimeNs());
        }
    }

    /** Records read so far, whoever made them. */
    long read() {
        synchronized (pending) {
            return read;
        }
    }

    /** How much waits to be fetched. */
    int waiting() {
        synchronized (pending) {
            return pending.size() + (lost ? 1 : 0);
        }
    }

    static long realtimeNs() {
        return TimeUnit.MILLISECONDS.toNanos(System.currentTimeMillis());
    }

    /** Ends the thread and closes the log. Idempotent. */
    @Override
    public void close() {
        if (closed) {
            return;
        }
        closed = true;
        try {
            linux.files().writeAll(stop, new byte[] {1, 0, 0, 0, 0, 0, 0, 0});
            thread.join();
        } catch (ErrnoException e) {
            throw new IllegalStateException("an eventfd of our own cannot be written", e);
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
            return;
        }
        log.close();
        epoll.close();
        stop.close();
        if (changes != null) {
            changes.close();
        }
    }
}
