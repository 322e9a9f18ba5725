package dev.berth.agent.cli.http;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;

/**
 * A connection that was taken over after {@code 101 UPGRADED}: raw bytes both ways. One thread may read while another writes.
 */
public final class Hijack implements AutoCloseable {
    private final Connection connection;
    private final boolean multiplexed;

    Hijack(Connection connection, boolean multiplexed) {
        this.connection = connection;
        this.multiplexed = multiplexed;
    }

    /** Whether the output comes in frames of standard output and error (no terminal). */
    public boolean multiplexed() {
        return multiplexed;
    }

    public InputStream in() {
        return connection.rest();
    }

    public void write(byte[] bytes, int offset, int length) throws IOException {
        connection.write(ByteBuffer.wrap(bytes, offset, length));
    }

    /** Ends our half: the process reads end of file, its output goes on. */
    public void closeWrite() throws IOException {
        connection.shutdownOutput();
    }

    @Override
    public void close() throws IOException {
        connection.close();
    }
}
