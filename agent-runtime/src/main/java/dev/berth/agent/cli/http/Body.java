package dev.berth.agent.cli.http;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;

/** The body of one answer: so many bytes, chunks, or all until the end. At its end the connection goes back to the client. */
final class Body extends InputStream {
    private static final long UNTIL_CLOSE = Long.MAX_VALUE;

    private final EngineClient client;
    private final Connection connection;
    private final boolean chunked;
    private final boolean reusable;
    private long left;
    private boolean firstChunk = true;
    private boolean ended;

    Body(EngineClient client, Connection connection, Connection.Head head, boolean empty)
            throws IOException {
        this.client = client;
        this.connection = connection;
        chunked = !empty && head.header("transfer-encoding").equalsIgnoreCase("chunked");
        boolean sized = head.headers().containsKey("content-length");
        boolean closes = head.header("connection").equalsIgnoreCase("close");
        reusable = !closes && (empty || chunked || sized);
        if (empty) {
            left = 0;
        } else if (chunked) {
            left = 0;
        } else {
            left = sized ? Long.parseLong(head.header("content-length")) : UNTIL_CLOSE;
        }
        if (!chunked && left == 0) {
            end();
        }
    }

    @Override
    public int read() throws IOException {
        byte[] one = new byte[1];
        return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
    }

    @Override
    public int read(byte[] target, int offset, int length) throws IOException {
        if (ended) {
            return -1;
        }
        if (length == 0) {
            return 0;
        }
        if (chunked && left == 0 && !nextChunk()) {
            return -1;
        }
        int count = connection.read(target, offset, (int) Math.min(length, left));
        if (count < 0) {
            if (left != UNTIL_CLOSE) {
                connection.close();
                ended = true;
                throw new EOFException("the agent closed the connection within an answer");
            }
            end();
            return -1;
        }
        if (left != UNTIL_CLOSE) {
            left -= count;
            if (left == 0 && !chunked) {
                end();
            }
        }
        return count;
    }

    private boolean nextChunk() throws IOException {
        if (!firstChunk) {
            connection.line();
        }
        firstChunk = false;
        String line = connection.line();
        int semicolon = line.indexOf(';');
        String size = (semicolon < 0 ? line : line.substring(0, semicolon)).strip();
        try {
            left = Long.parseLong(size, 16);
        } catch (NumberFormatException e) {
            throw new IOException("bad chunk size: " + line, e);
        }
        if (left == 0) {
            while (!connection.line().isEmpty()) {
                // Trailers mean nothing here.
            }
            end();
            return false;
        }
        return true;
    }

    private void end() throws IOException {
        ended = true;
        if (reusable) {
            client.giveBack(connection);
        } else {
            connection.close();
        }
    }

    /** Gives up the rest: a connection with unread bytes is of no further use. */
    @Override
    public void close() throws IOException {
        if (!ended) {
            ended = true;
            connection.close();
        }
    }
}
