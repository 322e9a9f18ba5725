package dev.berth.agent.cli.terminal;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;

/** Moves a container's output to ours: raw, or frames of {stream, 0, 0, 0, big-endian length} as the Engine API multiplexes them. */
public final class OutputPump {
    private OutputPump() {}

    /** Copies until the end, flushing after each read so that prompts show at once. */
    public static void raw(InputStream in, OutputStream out) throws IOException {
        byte[] block = new byte[32 * 1024];
        for (int n = in.read(block); n >= 0; n = in.read(block)) {
            out.write(block, 0, n);
            out.flush();
        }
    }

    /**
     * Copies frames until the end: stream 2 goes to {@code err}, 0 and 1 to {@code out}.
     *
     * @throws EOFException when the stream ends within a frame
     */
    public static void frames(InputStream in, OutputStream out, OutputStream err)
            throws IOException {
        byte[] head = new byte[8];
        byte[] block = new byte[32 * 1024];
        while (true) {
            int got = in.readNBytes(head, 0, 8);
            if (got == 0) {
                return;
            }
            if (got < 8) {
                throw new EOFException("output ends within a frame's head");
            }
            OutputStream target =
                    switch (head[0]) {
                        case 0, 1 -> out;
                        case 2 -> err;
                        default -> throw new IOException("output of unknown stream " + head[0]);
                    };
            long left =
                    (head[4] & 0xffL) << 24
                            | (head[5] & 0xffL) << 16
                            | (head[6] & 0xffL) << 8
                            | (head[7] & 0xffL);
            while (left > 0) {
                int n = in.read(block, 0, (int) Math.min(block.length, left));
                if (n < 0) {
                    throw new EOFException("output ends within a frame");
                }
                target.write(block, 0, n);
                left -= n;
            }
            target.flush();
        }
    }
}
