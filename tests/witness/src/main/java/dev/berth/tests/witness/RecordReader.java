package dev.berth.tests.witness;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.util.Optional;

/** Mesos's RecordIO: a decimal length, a line feed, as many bytes, again and again. One thread. */
final class RecordReader {
    private final InputStream in;

    RecordReader(InputStream in) {
        this.in = in;
    }

    /** The next record; empty when the stream ends between two. */
    Optional<byte[]> next() throws IOException {
        int length = 0;
        boolean begun = false;
        for (int b = in.read(); b != '\n'; b = in.read()) {
            if (b < 0 && !begun) {
                return Optional.empty();
            }
            if (b < '0' || b > '9') {
                throw new IOException("a record's length has the byte " + b);
            }
            begun = true;
            length = Math.addExact(Math.multiplyExact(length, 10), b - '0');
        }
        byte[] record = in.readNBytes(length);
        if (record.length < length) {
            throw new EOFException("the stream ended within a record");
        }
        return Optional.of(record);
    }
}
