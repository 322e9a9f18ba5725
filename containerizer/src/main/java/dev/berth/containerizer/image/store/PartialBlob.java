package dev.berth.containerizer.image.store;

import dev.berth.containerizer.image.Digest;
import dev.berth.containerizer.image.manifest.ContentDigest;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * The bytes of a blob that came so far, on disk, so that a later process goes on where this one stopped. Every few MiB a line with the digest of all bytes before it is written beside; at open the bytes are digested again and
 * compared, line by line, and what does not agree is cut off. After a reboot, bytes behind the last line are cut off as well: a power cut may have left zeros there.
 *
 * <p>Thread: one appends, one reads behind it.
 */
final class PartialBlob implements AutoCloseable {
    private static final long CHECKPOINT_BYTES = 8 << 20;
    private static final int BUFFER_BYTES = 128 << 10;

    private final Path file;
    private final Path prefixes;
    private final Digest digest;
    private final long size;
    private final FileChannel channel;
    private MessageDigest running;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition grown = lock.newCondition();
    private long length;
    private long nextCheckpoint;
    private @Nullable IOException failure;

    private PartialBlob(Path file, Digest digest, long size, FileChannel channel) {
        this.file = file;
        this.prefixes = prefixes(file);
        this.digest = digest;
        this.size = size;
        this.channel = channel;
        this.running = ContentDigest.start(digest.algorithm());
    }

    private static Path prefixes(Path file) {
        return file.resolveSibling(file.getFileName() + ".prefixes");
    }

    /**
     * Opens what is there of a blob, or nothing.
     *
     * @param sameBoot whether the machine has run since the bytes were written
     */
    static PartialBlob open(Path directory, Digest digest, long size, boolean sameBoot)
            throws IOException {
        Path file = directory.resolve(StoreLayout.fileName(digest));
        FileChannel channel =
                FileChannel.open(
                        file,
                        StandardOpenOption.CREATE,
                        StandardOpenOption.READ,
                        StandardOpenOption.WRITE);
        PartialBlob blob = new PartialBlob(file, digest, size, channel);
        try {
            blob.recover(sameBoot);
        } catch (IOException | RuntimeException e) {
            channel.close();
            throw e;
        }
        return blob;
    }

    private void recover(boolean sameBoot) throws IOException {
        Map<Long, String> known = readPrefixes();
        long there = channel.size();
        MessageDigest walk = ContentDigest.start(digest.algorithm());
        MessageDigest good = copy(walk);
        long goodLength = 0;
        boolean agrees = there <= size;
        ByteBuffer buffer = ByteBuffer.allocate(BUFFER_BYTES);
        long at = 0;
        StringBuilder keptLines = new StringBuilder();
        while (agrees && at < there) {
            long toLine = CHECKPOINT_BYTES - at % CHECKPOINT_BYTES;
            buffer.clear().limit((int) Math.min(buffer.capacity(), Math.min(toLine, there - at)));
            int count = channel.read(buffer, at);
            if (count < 0) {
                break;
            }
            walk.update(buffer.flip());
            at += count;
            String line = known.get(at);
            if (line != null) {
                agrees = line.equals(hex(walk));
                if (agrees) {
                    good = copy(walk);
                    goodLength = at;
                    keptLines.append(at).append(' ').append(line).append('\n');
                }
            }
        }
        if (agrees && sameBoot) {
            good = walk;
            goodLength = at;
        }
        running = good;
        length = goodLength;
        nextCheckpoint = (length / CHECKPOINT_BYTES + 1) * CHECKPOINT_BYTES;
        channel.truncate(length);
        channel.position(length);
        Files.writeString(prefixes, keptLines, StandardCharsets.US_ASCII);
    }

    private Map<Long, String> readPrefixes() throws IOException {
        Map<Long, String> result = new LinkedHashMap<>();
        Optional<byte[]> bytes = StoreLayout.read(prefixes);
        if (bytes.isEmpty()) {
            return result;
        }
        for (String line : new String(bytes.get(), StandardCharsets.US_ASCII).split("\n", -1)) {
            int space = line.indexOf(' ');
            // A torn last line has another length than a digest.
            if (space > 0 && line.length() - space - 1 == digest.hex().length()) {
                try {
                    result.put(Long.parseLong(line.substring(0, space)), line.substring(space + 1));
                } catch (NumberFormatException e) {
                    return result;
                }
            }
        }
        return result;
    }

    private static MessageDigest copy(MessageDigest state) {
        try {
            return (MessageDigest) state.clone();
        } catch (CloneNotSupportedException e) {
            throw new IllegalStateException(e);
        }
    }

    private static String hex(MessageDigest state) {
        return HexFormat.of().formatHex(copy(state).digest());
    }

    long length() {
        lock.lock();
        try {
            return length;
        } finally {
            lock.unlock();
        }
    }

    /** Appends verified order's next bytes; a blob never grows over its size. */
    void append(byte[] bytes, int count) throws IOException {
        int offset = 0;
        while (offset < count) {
            int step = (int) Math.min(count - offset, nextCheckpoint - length);
            ByteBuffer buffer = ByteBuffer.wrap(bytes, offset, step);
            while (buffer.hasRemaining()) {
                channel.write(buffer);
            }
            running.update(bytes, offset, step);
            offset += step;
            boolean checkpoint = length + step == nextCheckpoint;
            if (checkpoint) {
                Files.writeString(
                        prefixes,
                        (length + step) + " " + hex(running) + "\n",
                        StandardCharsets.US_ASCII,
                        StandardOpenOption.CREATE,
                        StandardOpenOption.APPEND);
                nextCheckpoint += CHECKPOINT_BYTES;
            }
            lock.lock();
            try {
                length += step;
                grown.signalAll();
            } finally {
                lock.unlock();
            }
        }
    }

    /** The digest of all bytes. */
    Digest actualDigest() {
        return new Digest(digest.algorithm(), hex(running));
    }

    /** Ends waiting readers. */
    void fail(IOException reason) {
        lock.lock();
        try {
            failure = reason;
            grown.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /** Removes the bytes: they are unpacked, or they are wrong. */
    void delete() throws IOException {
        Files.deleteIfExists(prefixes);
        Files.deleteIfExists(file);
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }

    /** All bytes from the first on; reads wait for those that have not come yet. */
    InputStream reader() {
        return new Tail();
    }

    private final class Tail extends InputStream {
        private long position;

        @Override
        public int read() throws IOException {
            byte[] one = new byte[1];
            return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
        }

        @Override
        public int read(byte[] target, int offset, int count) throws IOException {
            long available = await();
            if (available == 0) {
                return -1;
            }
            int most = (int) Math.min(count, available);
            int got = channel.read(ByteBuffer.wrap(target, offset, most), position);
            if (got < 0) {
                throw new IOException("partial file " + file + " was cut off");
            }
            position += got;
            return got;
        }

        private long await() throws IOException {
            lock.lock();
            try {
                while (position == length && length < size && failure == null) {
                    grown.await();
                }
                IOException reason = failure;
                if (reason != null) {
                    throw new IOException("the download ended", reason);
                }
                return length - position;
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new InterruptedIOException("interrupted");
            } finally {
                lock.unlock();
            }
        }
    }
}
