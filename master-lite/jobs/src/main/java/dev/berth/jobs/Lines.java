package dev.berth.jobs;

import com.google.protobuf.ByteString;

import java.io.PrintStream;
import java.nio.charset.StandardCharsets;

/** Passes output on, each line with a prefix. One stream's thread. */
final class Lines implements LogStream.Sink {
    private final PrintStream to;
    private final byte[] prefix;
    private boolean atStart = true;

    Lines(PrintStream to, String prefix) {
        this.to = to;
        this.prefix = prefix.getBytes(StandardCharsets.UTF_8);
    }

    @Override
    public void take(ByteString bytes) {
        if (prefix.length == 0) {
            byte[] all = bytes.toByteArray();
            to.write(all, 0, all.length);
        } else {
            for (int i = 0; i < bytes.size(); i++) {
                if (atStart) {
                    to.write(prefix, 0, prefix.length);
                }
                to.write(bytes.byteAt(i));
                atStart = bytes.byteAt(i) == '\n';
            }
        }
        to.flush();
    }
}
