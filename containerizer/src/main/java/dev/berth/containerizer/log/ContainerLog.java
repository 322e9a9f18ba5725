package dev.berth.containerizer.log;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import java.util.zip.CRC32C;

/**
 * A reader of one container's log directory. It holds at most one file open, so it keeps reading a file that rotation has renamed or removed, and goes on with the next sequence at its end. Once it {@link #hold holds} them
 * it needs their names no more.
 *
 * <p>A frame that is torn or corrupt is waited for as long as nothing valid follows (it may be half written), then skipped and counted.
 *
 * <p>Thread: one at a time; blocking file reads of a local file system.
 */
public final class ContainerLog implements AutoCloseable {
    private static final int BUFFER_BYTES = 4 * LogFormat.MAX_FRAME_BYTES;
    private static final int MOST_FILES = 1000;
    private static final String CURRENT = "log";

    private final Path directory;
    private final CRC32C crc = new CRC32C();
    private final ByteBuffer buffer =
            ByteBuffer.allocate(BUFFER_BYTES).order(ByteOrder.LITTLE_ENDIAN);
    private @Nullable FileChannel channel;
    private long channelSequence = -1;
    private List<FileChannel> held = List.of();
    private long corruptFrames;
    private long lostFiles;

    private ContainerLog(Path directory) {
        this.directory = directory;
    }

    /** A reader; the directory and its files need not exist yet. */
    public static ContainerLog open(Path directory) {
        return new ContainerLog(directory);
    }

    public Path directory() {
        return directory;
    }

    /**
     * Opens all files of a log that nobody writes any more, so that what is in them can be read to the end also when they are removed meanwhile; until {@link #close}. A second call does nothing.
     */
    public void hold() throws IOException {
        if (!held.isEmpty()) {
            return;
        }
        List<FileChannel> files = new ArrayList<>();
        try {
            boolean hasOpen = false;
            for (int i = 0; i < MOST_FILES; i++) {
                FileChannel file = openFile(name(i));
                if (file != null) {
                    files.add(file);
                    hasOpen |= sequenceIn(file).equals(OptionalLong.of(channelSequence));
                } else if (i > 0) { // the first is missing when a rotation was cut short
                    break;
                }
            }
            if (channel != null && !hasOpen) {
                files.add(channel); // rotation has removed it
                channel = null;
                channelSequence = -1;
            }
            close();
        } catch (IOException e) {
            for (FileChannel file : files) {
                file.close();
            }
            throw e;
        }
        held = List.copyOf(files);
    }

    /** Runs of bytes that were skipped because they were no valid frame. */
    public long corruptFrames() {
        return corruptFrames;
    }

    /** Files that rotation removed before this reader came to them. */
    public long lostFiles() {
        return lostFiles;
    }

    /** The position before the oldest frame that is kept. */
    public LogPosition start() throws IOException {
        OptionalLong oldest = OptionalLong.empty();
        for (int i = 0; i < MOST_FILES; i++) {
            OptionalLong sequence = sequenceOf(i);
            if (sequence.isEmpty() && i > 0) {
                break;
            }
            oldest = sequence.isPresent() ? sequence : oldest;
        }
        return oldest.isPresent()
                ? new LogPosition(oldest.getAsLong(), LogFormat.FILE_HEADER_BYTES)
                : LogPosition.BEGIN;
    }

    /** The position after the last whole frame: what is written from now on comes after it. Reads at most the last 64 KiB. */
    public LogPosition end() throws IOException {
        OptionalLong newest = sequenceOf(0);
        if (newest.isEmpty()) {
            return start();
        }
        if (!openSequence(newest.getAsLong())) {
            return start();
        }
        long size = channel().size();
        long from = Math.max(LogFormat.FILE_HEADER_BYTES, size - BUFFER_BYTES);
        fill(from);
        boolean chained = from == LogFormat.FILE_HEADER_BYTES;
        int at = 0;
        int end = 0;
        while (at < buffer.limit()) {
            if (LogFormat.check(buffer, at, crc) == LogFormat.Check.WHOLE) {
                at += LogFormat.FRAME_HEADER_BYTES + LogFormat.length(buffer, at);
                end = at;
                chained = true;
            } else {
                at++;
            }
        }
        return new LogPosition(channelSequence, chained ? from + end : size);
    }

    /**
     * Hands on whole frames from {@code from} on, at most about {@code limitBytes} of payload, oldest first.
     *
     * @return the position after the last one; the same as {@code from} when there is nothing new
     */
    public LogPosition read(LogPosition from, int limitBytes, FrameHandler handler)
            throws IOException {
        LogPosition position = from;
        int budget = limitBytes;
        while (budget > 0) {
            if (!openAt(position)) {
                return position;
            }
            position =
                    position.sequence() == channelSequence
                            ? position
                            : new LogPosition(channelSequence, LogFormat.FILE_HEADER_BYTES);
            // Whether a newer file exists is asked before the read: what was written before the
            // rotation is then surely seen by it.
            boolean last = !hasSuccessor(channelSequence);
            fill(position.offset());
            int[] used = {0};
            LogPosition after = deliver(position, last, budget, used, handler);
            budget -= used[0];
            if (after.equals(position)) {
                if (last || !openNext(channelSequence)) {
                    return position;
                }
                after = new LogPosition(channelSequence, LogFormat.FILE_HEADER_BYTES);
            }
            position = after;
        }
        return position;
    }

    /** The first valid frame at or after {@code guess}, which need not be between frames; the end of the file when there is none within 64 KiB. */
    LogPosition resync(LogPosition guess) throws IOException {
        if (!openAt(guess) || channelSequence != guess.sequence()) {
            return guess;
        }
        fill(guess.offset());
        int valid = nextValid(0);
        return new LogPosition(
                channelSequence, guess.offset() + (valid >= 0 ? valid : buffer.limit()));
    }

    private LogPosition deliver(
            LogPosition from, boolean last, int budget, int[] used, FrameHandler handler)
            throws IOException {
        int at = 0;
        while (at < buffer.limit() && used[0] < budget) {
            LogFormat.Check check = LogFormat.check(buffer, at, crc);
            // As of the fill: the file may have grown since, and what was cut off by its end then
            // is
            // no damage.
            boolean atEnd = buffer.limit() < buffer.capacity();
            if (check == LogFormat.Check.WHOLE) {
                int next = at + LogFormat.FRAME_HEADER_BYTES + LogFormat.length(buffer, at);
                used[0] += LogFormat.FRAME_HEADER_BYTES + LogFormat.length(buffer, at);
                LogPosition end = new LogPosition(channelSequence, from.offset() + next);
                handler.onFrame(LogFormat.frame(buffer, at, end));
                at = next;
            } else if (check == LogFormat.Check.SHORT && !atEnd && at > 0) {
                break;
            } else {
                int valid = nextValid(at + 1);
                if (valid >= 0) {
                    corruptFrames++;
                    at = valid;
                } else if (!atEnd) {
                    corruptFrames++;
                    at = Math.max(at + 1, buffer.limit() - LogFormat.MAX_FRAME_BYTES);
                    break;
                } else if (last) {
                    break;
                } else {
                    corruptFrames++;
                    at = buffer.limit();
                }
            }
        }
        return at == 0 ? from : new LogPosition(channelSequence, from.offset() + at);
    }

    private int nextValid(int from) {
        for (int at = from; at + LogFormat.FRAME_HEADER_BYTES <= buffer.limit(); at++) {
            if (LogFormat.check(buffer, at, crc) == LogFormat.Check.WHOLE) {
                return at;
            }
        }
        return -1;
    }

    private void fill(long offset) throws IOException {
        buffer.clear();
        long at = offset;
        while (buffer.hasRemaining()) {
            int n = channel().read(buffer, at);
            if (n <= 0) {
                break;
            }
            at += n;
        }
        buffer.flip();
    }

    private FileChannel channel() {
        FileChannel open = channel;
        if (open == null) {
            throw new IllegalStateException("no log file is open");
        }
        return open;
    }

    /** Opens the file of the position, or the next one that still exists. */
    private boolean openAt(LogPosition position) throws IOException {
        if (channel != null && channelSequence == position.sequence()) {
            return true;
        }
        if (position.sequence() >= 0 && openSequence(position.sequence())) {
            return true;
        }
        return openNext(position.sequence());
    }

    private boolean openNext(long after) throws IOException {
        // Rotation may rename between two opens: a file is then seen twice or not at all, so the
        // lowest of two passes that agree is taken.
        long found = lowestAbove(after);
        for (int i = 0; i < 3 && found >= 0; i++) {
            if (openSequence(found)) {
                if (after >= 0 && found > after + 1) {
                    lostFiles += found - after - 1;
                }
                return true;
            }
            found = lowestAbove(after);
        }
        return false;
    }

    private long lowestAbove(long after) throws IOException {
        long lowest = -1;
        for (int i = 0; i < MOST_FILES; i++) {
            OptionalLong sequence = sequenceOf(i);
            if (sequence.isEmpty() && i > 0) {
                break;
            }
            if (sequence.isPresent()) {
                if (sequence.getAsLong() <= after) {
                    break;
                }
                lowest = sequence.getAsLong();
            }
        }
        return lowest;
    }

    private boolean hasSuccessor(long sequence) throws IOException {
        OptionalLong current = sequenceOf(0);
        // Between the rename and the new file there is no "log": the renamed one is ours or newer.
        return current.isPresent() && current.getAsLong() > sequence;
    }

    private boolean openSequence(long wanted) throws IOException {
        if (channel != null && channelSequence == wanted) {
            return true;
        }
        for (int i = 0; i < MOST_FILES; i++) {
            FileChannel candidate = file(i);
            if (candidate == null) {
                if (i > 0) {
                    return false;
                }
                continue;
            }
            OptionalLong sequence = sequenceIn(candidate);
            if (sequence.isPresent() && sequence.getAsLong() == wanted) {
                letGo(channel);
                channel = candidate;
                channelSequence = wanted;
                return true;
            }
            letGo(candidate);
            if (sequence.isPresent() && sequence.getAsLong() < wanted) {
                return false;
            }
        }
        return false;
    }

    private OptionalLong sequenceOf(int index) throws IOException {
        FileChannel file = file(index);
        try {
            return file == null ? OptionalLong.empty() : sequenceIn(file);
        } finally {
            letGo(file);
        }
    }

    /** The file, newest first; to be {@link #letGo let go}. */
    private @Nullable FileChannel file(int index) throws IOException {
        if (held.isEmpty()) {
            return openFile(name(index));
        }
        return index < held.size() ? held.get(index) : null;
    }

    private void letGo(@Nullable FileChannel file) throws IOException {
        if (file != null && !held.contains(file)) {
            file.close();
        }
    }

    private static OptionalLong sequenceIn(FileChannel file) throws IOException {
        ByteBuffer header = ByteBuffer.allocate(LogFormat.FILE_HEADER_BYTES);
        int n = file.read(header, 0);
        if (n < LogFormat.FILE_HEADER_BYTES) {
            return OptionalLong.empty();
        }
        return LogFormat.sequence(header.flip());
    }

    private @Nullable FileChannel openFile(String name) throws IOException {
        try {
            return FileChannel.open(directory.resolve(name), StandardOpenOption.READ);
        } catch (NoSuchFileException e) {
            return null;
        }
    }

    private static String name(int index) {
        return index == 0 ? CURRENT : CURRENT + "." + index;
    }

    /** Closes what is open; the reader can be used again and opens it anew. */
    @Override
    public void close() throws IOException {
        letGo(channel);
        channel = null;
        channelSequence = -1;
        List<FileChannel> files = held;
        held = List.of();
        for (FileChannel file : files) {
            file.close();
        }
    }

    /** Receives frames in the order in which they were written. */
    @FunctionalInterface
    public interface FrameHandler {
        void onFrame(LogFrame frame);
    }
}
