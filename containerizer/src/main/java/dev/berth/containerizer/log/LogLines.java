package dev.berth.containerizer.log;

import java.io.IOException;
import java.nio.file.Path;

/**
 * Lines of a container's log as {@code docker logs} wants them: filtered, the last N, and followed for as long as the caller polls.
 *
 * <p>Thread: one at a time; blocking file reads.
 */
public final class LogLines implements AutoCloseable {
    private static final int CHUNK_BYTES = 64 * 1024;
    private static final long FIRST_WINDOW_BYTES = 256 * 1024;
    private static final long WORTH_READING_BYTES = 64 * 1024 * 1024;

    private final ContainerLog log;
    private final LogQuery query;
    private LineAssembler stdout = new LineAssembler(LogStream.STDOUT, false);
    private LineAssembler stderr = new LineAssembler(LogStream.STDERR, false);
    private LogPosition position;
    private long skip;
    private boolean pastUntil;

    private LogLines(ContainerLog log, LogQuery query) {
        this.log = log;
        this.query = query;
        this.position = LogPosition.BEGIN;
    }

    /** Opens the log and finds where the answer begins: with a tail, this reads back as far as it must. */
    public static LogLines open(Path directory, LogQuery query) throws IOException {
        ContainerLog log = ContainerLog.open(directory);
        try {
            LogLines lines = new LogLines(log, query);
            lines.seek();
            return lines;
        } catch (IOException e) {
            log.close();
            throw e;
        }
    }

    /**
     * Hands on lines that are complete, reading at most about {@code limitBytes}.
     *
     * @return whether there may be more right now; false: wait for the directory to change, or for the end of the run
     */
    public boolean poll(int limitBytes, LineHandler handler) throws IOException {
        LogPosition before = position;
        position = log.read(position, limitBytes, frame -> accept(frame, handler));
        return !position.equals(before) && !pastUntil;
    }

    /** As {@link ContainerLog#hold}: the container has ended, and may be removed before all is read. */
    public void hold() throws IOException {
        log.hold();
    }

    /** Hands on what is left of unfinished lines: at the end of an answer that does not follow, or when the container has ended. */
    public void finish(LineHandler handler) {
        LineAssembler.LineHandler out = (line, _) -> emit(line, handler);
        stdout.flush(out);
        stderr.flush(out);
    }

    /** Whether a line later than the query's {@code until} was met: nothing wanted follows. */
    public boolean pastUntil() {
        return pastUntil;
    }

    /** After the last frame that was read. */
    public LogPosition position() {
        return position;
    }

    /** Output that a failing disk lost, as frames tell it, is not visible here; corruption is. */
    public long corruptFrames() {
        return log.corruptFrames();
    }

    @Override
    public void close() throws IOException {
        log.close();
    }

    private void accept(LogFrame frame, LineHandler handler) {
        LineAssembler.LineHandler out = (line, _) -> emit(line, handler);
        feed(stdout, stderr, frame, out);
    }

    private static void feed(
            LineAssembler stdout,
            LineAssembler stderr,
            LogFrame frame,
            LineAssembler.LineHandler out) {
        switch (frame.stream()) {
            case STDOUT -> stdout.add(frame.payload(), frame.realtimeNs(), out);
            case STDERR -> stderr.add(frame.payload(), frame.realtimeNs(), out);
            case END_OF_RUN -> {
                stdout.flush(out);
                stderr.flush(out);
            }
        }
    }

    private void emit(LogLine line, LineHandler handler) {
        if (query.untilNs().isPresent() && line.realtimeNs() > query.untilNs().getAsLong()) {
            pastUntil = true;
        }
        if (!query.wants(line)) {
            return;
        }
        if (skip > 0) {
            skip--;
            return;
        }
        handler.onLine(line);
    }

    private void seek() throws IOException {
        LogPosition start = log.start();
        position = start;
        if (query.tail().isEmpty()) {
            return;
        }
        LogPosition end = log.end();
        long wanted = query.tail().getAsLong();
        if (wanted <= 0) {
            position = end;
            return;
        }
        long window = FIRST_WINDOW_BYTES;
        long files = 0;
        while (true) {
            boolean inside = end.offset() - LogFormat.FILE_HEADER_BYTES > window;
            LogPosition from =
                    inside
                            ? log.resync(new LogPosition(end.sequence(), end.offset() - window))
                            : new LogPosition(end.sequence() - files, LogFormat.FILE_HEADER_BYTES);
            boolean whole = from.compareTo(start) <= 0;
            Count count = count(whole ? start : from, end, !whole);
            // A line whose beginning lies before the window must not be among the last ones, as
            // long
            // as looking for it is cheap.
            if (whole
                    || count.sinceBroken >= wanted
                    || (window > WORTH_READING_BYTES && count.total >= wanted)) {
                position = whole ? start : from;
                skip = Math.max(0, count.total - wanted);
                stdout = new LineAssembler(LogStream.STDOUT, !whole);
                stderr = new LineAssembler(LogStream.STDERR, !whole);
                return;
            }
            files += inside ? 0 : 1;
            window *= 8;
        }
    }

    private Count count(LogPosition from, LogPosition end, boolean broken) throws IOException {
        Count count = new Count();
        LineAssembler out = new LineAssembler(LogStream.STDOUT, broken);
        LineAssembler err = new LineAssembler(LogStream.STDERR, broken);
        LineAssembler.LineHandler counter =
                (line, wasBroken) -> {
                    if (query.wants(line)) {
                        count.total++;
                        count.sinceBroken = wasBroken ? 0 : count.sinceBroken + 1;
                    }
                };
        LogPosition at = from;
        while (at.compareTo(end) < 0) {
            LogPosition next =
                    log.read(
                            at,
                            CHUNK_BYTES,
                            frame -> {
                                if (frame.end().compareTo(end) <= 0) {
                                    feed(out, err, frame, counter);
                                }
                            });
            if (next.equals(at)) {
                break;
            }
            at = next;
        }
        out.flush(counter);
        err.flush(counter);
        return count;
    }

    private static final class Count {
        private long total;
        private long sinceBroken;
    }

    /** Receives lines in the order in which they were completed. */
    @FunctionalInterface
    public interface LineHandler {
        void onLine(LogLine line);
    }
}
