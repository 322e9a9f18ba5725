package dev.berth.gpu.proc;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.function.Consumer;

/** Makes lines of a stream's pieces. A line that is too long is dropped as a whole; memory is bounded by the limit. Thread: one. */
final class LineBuffer {
    private final int limitBytes;
    private final Consumer<String> lines;
    private final ByteArrayOutputStream partial = new ByteArrayOutputStream();
    private boolean dropping;

    LineBuffer(int limitBytes, Consumer<String> lines) {
        this.limitBytes = limitBytes;
        this.lines = lines;
    }

    void add(byte[] bytes) {
        int from = 0;
        for (int i = 0; i < bytes.length; i++) {
            if (bytes[i] == '\n') {
                piece(bytes, from, i);
                if (!dropping) {
                    lines.accept(partial.toString(StandardCharsets.UTF_8));
                }
                partial.reset();
                dropping = false;
                from = i + 1;
            }
        }
        piece(bytes, from, bytes.length);
    }

    private void piece(byte[] bytes, int from, int to) {
        if (dropping || partial.size() + (to - from) > limitBytes) {
            dropping = true;
            partial.reset();
            return;
        }
        partial.write(bytes, from, to - from);
    }
}
