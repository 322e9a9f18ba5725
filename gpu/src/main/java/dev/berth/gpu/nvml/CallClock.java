package dev.berth.gpu.nvml;

import dev.berth.linux.ErrnoException;
import dev.berth.linux.Fd;
import dev.berth.linux.Linux;
import dev.berth.nvml.NvmlCallObserver;
import dev.berth.nvml.NvmlSymbol;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** Which NVML call each of the worker's threads is in, and since when, in memory that both processes see. The worker's side writes, the agent's reads. */
@SuppressWarnings("EnumOrdinal") // both processes run the same classes
final class CallClock implements NvmlCallObserver {
    static final int BYTES = 64;

    private static final int RECORD = 32;
    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG;
    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT;
    private static final VarHandle LONGS = LONG.varHandle();
    private static final int MOST_TRIES = 1000;

    private final MemorySegment page;
    private final Thread queries;
    private final int[] device = {-1, -1};

    private CallClock(MemorySegment page, Thread queries) {
        this.page = page;
        this.queries = queries;
    }

    /** The worker's side, over descriptor 4. Calls of {@code queries} go to the first record, all others to the second. */
    static CallClock mapped(Fd memfd, Thread queries) throws IOException {
        Path file = Path.of("/proc/self/fd/" + memfd.number());
        try (FileChannel channel =
                FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
            // For the life of the process: the global arena never frees it.
            return new CallClock(
                    channel.map(FileChannel.MapMode.READ_WRITE, 0, BYTES, Arena.global()), queries);
        }
    }

    private int slot() {
        return Thread.currentThread().equals(queries) ? 0 : 1;
    }

    /** Which device this thread's next calls are about; −1 for none. */
    void about(int index) {
        device[slot()] = index;
    }

    @Override
    public void before(NvmlSymbol symbol) {
        write(System.nanoTime(), symbol.ordinal());
    }

    @Override
    public void after() {
        write(0, -1);
    }

    private void write(long startNs, int symbol) {
        int slot = slot();
        long at = (long) slot * RECORD;
        long sequence = page.get(LONG, at);
        LONGS.setVolatile(page, at, sequence + 1);
        page.set(LONG, at + 8, startNs);
        page.set(INT, at + 16, device[slot]);
        page.set(INT, at + 20, symbol);
        LONGS.setVolatile(page, at, sequence + 2);
    }

    /**
     * What a thread of the worker is doing.
     *
     * @param sequence changes with every call
     * @param startNs of the running call on {@link System#nanoTime}'s clock, which is CLOCK_MONOTONIC in both processes; 0 when there is none
     * @param device index, −1 for none
     * @param symbol the function; empty when there is none
     */
    record View(long sequence, long startNs, int device, String symbol) {
        static final View IDLE = new View(0, 0, -1, "");

        boolean calling() {
            return startNs != 0;
        }
    }

    /** The agent's side: both records, queries first. */
    static View[] read(Linux linux, Fd memfd) throws ErrnoException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment copy = arena.allocate(BYTES, 8);
            return new View[] {read(linux, memfd, copy, 0), read(linux, memfd, copy, 1)};
        }
    }

    private static View read(Linux linux, Fd memfd, MemorySegment copy, int slot)
            throws ErrnoException {
        long at = (long) slot * RECORD;
        for (int i = 0; i < MOST_TRIES; i++) {
            linux.files().pread(memfd, copy, 0);
            long sequence = copy.get(LONG, at);
            long startNs = copy.get(LONG, at + 8);
            int device = copy.get(INT, at + 16);
            int symbol = copy.get(INT, at + 20);
            linux.files().pread(memfd, copy, 0);
            if ((sequence & 1) == 0 && copy.get(LONG, at) == sequence) {
                return new View(sequence, startNs, device, name(symbol));
            }
        }
        // A writer that was stopped in the middle of it: as if it were in no call, which the
        // caller's other deadline covers.
        return View.IDLE;
    }

    private static String name(int symbol) {
        NvmlSymbol[] symbols = NvmlSymbol.values();
        return symbol >= 0 && symbol < symbols.length ? symbols[symbol].name() : "";
    }
}
