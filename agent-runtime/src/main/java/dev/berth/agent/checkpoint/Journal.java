package dev.berth.agent.checkpoint;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;

import dev.berth.agent.config.AgentException;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Locale;
import java.util.zip.CRC32C;

/**
 * An append-only file of JSON lines, each behind eight hex digits of CRC-32C. An append survives a crash of the agent, a durable one a power cut too. A torn or damaged line is skipped when the journal is read.
 *
 * <p>Thread: conductor only.
 */
public final class Journal implements AutoCloseable {
    private static final long COMPACT_BYTES = 4L << 20;
    private static final ObjectMapper JSON = new ObjectMapper();

    private final Path file;
    private final Opener opener;
    private FileChannel channel;
    private long compactAt = COMPACT_BYTES;

    /** Whether the end may be half a line. */
    private boolean torn;

    private Journal(Path file, Opener opener, boolean torn) throws IOException {
        this.file = file;
        this.opener = opener;
        this.torn = torn;
        channel = opener.append(file);
    }

    /** Opens files for appending; a test's may become full. */
    @FunctionalInterface
    interface Opener {
        FileChannel append(Path file) throws IOException;
    }

    /** Receives entries, oldest first. */
    @FunctionalInterface
    public interface EntryHandler {
        void onEntry(ObjectNode entry);
    }

    /** Opens for appending and hands on what is there. */
    public static Journal open(Path file, EntryHandler handler) throws AgentException {
        return open(file, handler, Journal::append);
    }

    static Journal open(Path file, EntryHandler handler, Opener opener) throws AgentException {
        try {
            boolean torn = false;
            if (Files.exists(file)) {
                byte[] bytes = Files.readAllBytes(file);
                torn = bytes.length > 0 && bytes[bytes.length - 1] != '\n';
                for (String line : new String(bytes, StandardCharsets.UTF_8).split("\n", -1)) {
                    read(line, handler);
                }
            }
            return new Journal(file, opener, torn);
        } catch (IOException e) {
            throw AgentException.failed("open journal " + file, e);
        }
    }

    private static FileChannel append(Path file) throws IOException {
        return FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.APPEND);
    }

    private static void read(String line, EntryHandler handler) {
        if (line.length() < 10) {
            return;
        }
        String body = line.substring(9);
        if (!line.startsWith(crc(body.getBytes(StandardCharsets.UTF_8)) + " ")) {
            return;
        }
        try {
            if (JSON.readTree(body) instanceof ObjectNode entry) {
                handler.onEntry(entry);
            }
        } catch (JsonProcessingException _) {
            // A line with the right checksum that is no JSON was written by no version of ours.
        }
    }

    /** One write(2) of one line; when it fails, the journal is as before. */
    public void append(ObjectNode entry) throws AgentException {
        try {
            write(line(entry));
        } catch (IOException e) {
            throw AgentException.failed("append to journal " + file, e);
        }
    }

    /** One write(2) of several lines: a crash of the agent leaves all or none, and so does a full disk. */
    public void append(List<ObjectNode> entries) throws AgentException {
        ByteArrayOutputStream lines = new ByteArrayOutputStream();
        entries.forEach(entry -> lines.writeBytes(line(entry)));
        try {
            write(lines.toByteArray());
        } catch (IOException e) {
            throw AgentException.failed("append to journal " + file, e);
        }
    }

    /** One line, and returns when it would survive a power cut too. */
    public void appendDurably(ObjectNode entry) throws AgentException {
        append(entry);
        try {
            channel.force(false);
        } catch (IOException e) {
            throw AgentException.failed("sync journal " + file, e);
        }
    }

    /** Whether so much was appended that {@link #compact} is due. */
    public boolean isLong() {
        try {
            return channel.size() > compactAt;
        } catch (IOException _) {
            return false;
        }
    }

    /** Replaces the journal by {@code entries}, which must say the same; when that fails, it goes on as it is. */
    public void compact(List<ObjectNode> entries) throws AgentException {
        try {
            replace(entries);
            compactAt = Math.max(COMPACT_BYTES, channel.size() * 2);
        } catch (IOException e) {
            // Not again at every line on a full disk.
            compactAt += COMPACT_BYTES;
            throw AgentException.failed("compact journal " + file, e);
        }
    }

    private void replace(List<ObjectNode> entries) throws IOException {
        Path fresh = file.resolveSibling(file.getFileName() + ".new");
        Files.deleteIfExists(fresh);
        FileChannel next = opener.append(fresh);
        boolean done = false;
        try {
            for (ObjectNode entry : entries) {
                write(next, line(entry));
            }
            next.force(true);
            Files.move(
                    fresh,
                    file,
                    StandardCopyOption.ATOMIC_MOVE,
                    StandardCopyOption.REPLACE_EXISTING);
            done = true;
        } finally {
            if (!done) {
                next.close();
                Files.deleteIfExists(fresh);
            }
        }
        close();
        channel = next;
        torn = false;
    }

    /** All or nothing: what a full disk has taken of it is taken away again. */
    private void write(byte[] lines) throws IOException {
        if (torn) {
            // So that the next line does not join the torn one.
            write(channel, new byte[] {'\n'});
            torn = false;
        }
        long before = channel.size();
        try {
            write(channel, lines);
        } catch (IOException e) {
            torn = true;
            try {
                channel.truncate(before);
                torn = false;
            } catch (IOException truncating) {
                e.addSuppressed(truncating);
            }
            throw e;
        }
    }

    private static void write(FileChannel to, byte[] bytes) throws IOException {
        ByteBuffer buffer = ByteBuffer.wrap(bytes);
        while (buffer.hasRemaining()) {
            to.write(buffer);
        }
    }

    private static byte[] line(ObjectNode entry) {
        byte[] body = entry.toString().getBytes(StandardCharsets.UTF_8);
        byte[] head = (crc(body) + " ").getBytes(StandardCharsets.US_ASCII);
        byte[] line = new byte[head.length + body.length + 1];
        System.arraycopy(head, 0, line, 0, head.length);
        System.arraycopy(body, 0, line, head.length, body.length);
        line[line.length - 1] = '\n';
        return line;
    }

    private static String crc(byte[] bytes) {
        CRC32C crc = new CRC32C();
        crc.update(bytes);
        return String.format(Locale.ROOT, "%08x", crc.getValue());
    }

    @Override
    public void close() {
        try {
            channel.close();
        } catch (IOException _) {
            // Every append has been handed to the kernel already.
        }
    }
}
