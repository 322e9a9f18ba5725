package dev.berth.isolator.cgroup2;

import dev.berth.isolator.Usage;
import dev.berth.linux.Errno;
import dev.berth.linux.ErrnoException;
import dev.berth.linux.Fd;
import dev.berth.linux.Files;
import dev.berth.linux.Open;
import dev.berth.linux.OwnedFd;

import org.jspecify.annotations.Nullable;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.Instant;

/**
 * Usage of one cgroup. A file is opened when it is first read and stays open; a sample is one {@code pread(2)} a file, and its numbers are taken from the bytes, so that nothing but the sample is allocated.
 *
 * <p>Thread: one at a time.
 */
final class UsageReader implements AutoCloseable {
    private static final int CPU_STAT = 0;
    private static final int MEMORY_CURRENT = 1;
    private static final int MEMORY_PEAK = 2;
    private static final int MEMORY_MAX = 3;
    private static final int MEMORY_STAT = 4;
    private static final int MEMORY_EVENTS = 5;
    private static final int PIDS_CURRENT = 6;
    private static final int PIDS_MAX = 7;
    private static final int IO_STAT = 8;
    private static final String[] NAMES = {
        "cpu.stat",
        "memory.current",
        "memory.peak",
        "memory.max",
        "memory.stat",
        "memory.events",
        "pids.current",
        "pids.max",
        "io.stat"
    };
    private static final byte[] WHOLE = {};
    private static final byte[] USAGE_USEC = ascii("usage_usec ");
    private static final byte[] USER_USEC = ascii("user_usec ");
    private static final byte[] SYSTEM_USEC = ascii("system_usec ");
    private static final byte[] NR_THROTTLED = ascii("nr_throttled ");
    private static final byte[] THROTTLED_USEC = ascii("throttled_usec ");
    private static final byte[] INACTIVE_FILE = ascii("inactive_file ");
    private static final byte[] OOM_KILL = ascii("oom_kill ");
    private static final byte[] RBYTES = ascii(" rbytes=");
    private static final byte[] WBYTES = ascii(" wbytes=");
    private static final byte[] RIOS = ascii(" rios=");
    private static final byte[] WIOS = ascii(" wios=");

    /** io.stat has a line of about 80 bytes a disk. */
    private static final int BUFFER_BYTES = 64 << 10;

    /** One for all readers of a thread: a sample leaves nothing in it. */
    private static final ThreadLocal<MemorySegment> BUFFER =
            ThreadLocal.withInitial(() -> Arena.ofAuto().allocate(BUFFER_BYTES));

    private final Files files;
    private final Fd directory;
    private final @Nullable OwnedFd[] open = new OwnedFd[NAMES.length];
    private final boolean[] tried = new boolean[NAMES.length];

    UsageReader(Files files, Fd directory) {
        this.files = files;
        this.directory = directory;
    }

    private static byte[] ascii(String text) {
        return text.getBytes(StandardCharsets.US_ASCII);
    }

    Usage sample(Clock clock) throws ErrnoException {
        MemorySegment buffer = BUFFER.get();
        Instant now = clock.instant();
        int cpu = read(CPU_STAT, buffer);
        long total = find(buffer, cpu, USAGE_USEC);
        long user = find(buffer, cpu, USER_USEC);
        long system = find(buffer, cpu, SYSTEM_USEC);
        long throttled = find(buffer, cpu, NR_THROTTLED);
        long throttledUs = find(buffer, cpu, THROTTLED_USEC);
        long memory = single(MEMORY_CURRENT, WHOLE, buffer);
        long peak = single(MEMORY_PEAK, WHOLE, buffer);
        long limit = single(MEMORY_MAX, WHOLE, buffer);
        long inactive = single(MEMORY_STAT, INACTIVE_FILE, buffer);
        long oomKills = single(MEMORY_EVENTS, OOM_KILL, buffer);
        long pids = single(PIDS_CURRENT, WHOLE, buffer);
        long pidsLimit = single(PIDS_MAX, WHOLE, buffer);
        int io = read(IO_STAT, buffer);
        return new Usage(
                now.getEpochSecond() * 1_000_000_000L + now.getNano(),
                total,
                user,
                system,
                throttled,
                throttledUs,
                memory,
                peak,
                limit,
                inactive,
                oomKills,
                pids,
                pidsLimit,
                sum(buffer, io, RBYTES),
                sum(buffer, io, WBYTES),
                sum(buffer, io, RIOS),
                sum(buffer, io, WIOS));
    }

    /** {@code oom_kill} of {@code memory.events}; −1 without a memory controller. */
    long oomKills() throws ErrnoException {
        return single(MEMORY_EVENTS, OOM_KILL, BUFFER.get());
    }

    private long single(int file, byte[] key, MemorySegment buffer) throws ErrnoException {
        return find(buffer, read(file, buffer), key);
    }

    /** Bytes read, −1 when there is no such file. */
    private int read(int file, MemorySegment buffer) throws ErrnoException {
        OwnedFd fd = opened(file);
        if (fd == null) {
            return -1;
        }
        try {
            return files.pread(fd, buffer, 0);
        } catch (ErrnoException e) {
            if (e.errno() == Errno.ENODEV || e.errno() == Errno.EOPNOTSUPP) {
                return -1; // the cgroup is gone, or the controller does not count this here
            }
            throw e;
        }
    }

    /** Each file is opened when it is first wanted: the end of a short run asks for one of them only. */
    private @Nullable OwnedFd opened(int file) throws ErrnoException {
        if (!tried[file]) {
            try {
                open[file] = files.openat(directory, NAMES[file], Open.O_RDONLY, 0);
            } catch (ErrnoException e) {
                if (e.errno() != Errno.ENOENT) {
                    throw e;
                }
            }
            tried[file] = true;
        }
        return open[file];
    }

    /** The number after a key at the beginning of a line; −1 when there is none, {@link Long#MAX_VALUE} for {@code max}. */
    static long find(MemorySegment text, int length, byte[] key) {
        int line = 0;
        while (line < length) {
            if (matches(text, length, line, key)) {
                return number(text, length, line + key.length);
            }
            while (line < length && text.get(ValueLayout.JAVA_BYTE, line) != '\n') {
                line++;
            }
            line++;
        }
        return -1;
    }

    /** The sum of the numbers after all occurrences of a key; −1 when there is no such file. */
    static long sum(MemorySegment text, int length, byte[] key) {
        if (length < 0) {
            return -1;
        }
        long sum = 0;
        for (int at = 0; at < length; at++) {
            if (matches(text, length, at, key)) {
                sum += number(text, length, at + key.length);
            }
        }
        return sum;
    }

    private static boolean matches(MemorySegment text, int length, int at, byte[] key) {
        if (at + key.length > length) {
            return false;
        }
        for (int i = 0; i < key.length; i++) {
            if (text.get(ValueLayout.JAVA_BYTE, at + i) != key[i]) {
                return false;
            }
        }
        return true;
    }

    private static long number(MemorySegment text, int length, int from) {
        if (from < length && text.get(ValueLayout.JAVA_BYTE, from) == 'm') {
            return Long.MAX_VALUE;
        }
        long value = 0;
        for (int at = from; at < length; at++) {
            byte digit = text.get(ValueLayout.JAVA_BYTE, at);
            if (digit < '0' || digit > '9') {
                break;
            }
            value = value * 10 + (digit - '0');
        }
        return value;
    }

    @Override
    public void close() {
        for (int i = 0; i < open.length; i++) {
            OwnedFd fd = open[i];
            if (fd != null) {
                fd.close();
                open[i] = null;
            }
        }
        java.util.Arrays.fill(tried, false);
    }
}
