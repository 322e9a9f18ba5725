package dev.berth.jobs;

import com.google.protobuf.ByteString;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;

/**
 * Passes output on. With a prefix, whole lines at a time, so that those of several workers do not run into each other; a carriage return ends a line too, for programs that draw their progress.
 *
 * <p>Thread: one stream's; several may share the target.
 */
final class Lines implements LogStream.Sink {
    /** A line without an end is passed on in pieces of this size. */
    private static final int LONGEST = 1 << 16;

    private final PrintStream to;
    private final byte[] prefix;
    private final ByteArrayOutputStream line = new ByteArrayOutputStream();

    Lines(PrintStream to, String prefix) {
        this.to = to;
        this.prefix = prefix.getBytes(StandardCharsets.UTF_8);
    }

    @Override
    public void take(ByteString bytes) {
        if (prefix.length == 0) {
            byte[] all = bytes.toByteArray();
            write(all);
            return;
        }
        ByteArrayOutputStream whole = new ByteArrayOutputStream();
        for (int i = 0; i < bytes.size(); i++) {
            byte next = bytes.byteAt(i);
            if (line.size() == 0) {
                line.writeBytes(prefix);
            }
            line.write(next);
            if (next == '\n' || next == '\r') {
                whole.writeBytes(line.toByteArray());
                line.reset();
            } else if (line.size() >= LONGEST) {
                line.write('\n');
                whole.writeBytes(line.toByteArray());
                line.reset();
            }
        }
        write(whole.toByteArray());
    }

    @Override
    public void end() {
        if (line.size() > 0) {
            line.write('\n');
            write(line.toByteArray());
            line.reset();
        }
    }

    private void write(byte[] bytes) {
        if (bytes.length > 0) {
            synchronized (to) {
                to.write(bytes, 0, bytes.length);
                to.flush();
            }
        }
    }
}
