package dev.berth.containerizer.journal;

import dev.berth.isolator.ContainerId;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.zip.CRC32C;

/**
 * The journal of one agent. It keeps in memory, per container, the records that still matter, and rewrites the file with just these when it has grown.
 *
 * <p>Thread: conductor.
 */
public final class Journal implements AutoCloseable {
    private static final int MAX_RECORD_BYTES = 1024;
    private static final long COMPACT_AT_BYTES = 1024 * 1024;
    private static final int BOOT = 1;
    private static final int START_BEGUN = 2;
    private static final int STARTED = 3;
    private static final int ENDED = 4;
    private static final int EXEC_BEGUN = 5;
    private static final int EXEC_ENDED = 6;
    private static final int FORGOTTEN = 7;

    private final Path file;
    private final String bootId;
    private final boolean sameBoot;
    private final Map<ContainerId, List<JournalEntry>> live = new LinkedHashMap<>();
    private final ByteBuffer buffer =
            ByteBuffer.allocateDirect(MAX_RECORD_BYTES).order(ByteOrder.LITTLE_ENDIAN);
    private final CRC32C crc = new CRC32C();
    private FileChannel channel;
    private long sizeBytes;
    private long compactedBytes;

    private Journal(Path file, String bootId) throws IOException {
        this.file = file;
        this.bootId = bootId;
        this.sameBoot = replay();
        this.channel = rewrite();
    }

    /**
     * Reads the journal, drops a torn end, and begins a new file with what matters.
     *
     * @param bootId of the running kernel: records of another boot keep only their results
     */
    public static Journal open(Path file, String bootId) throws IOException {
        return new Journal(file, bootId);
    }

    /** Whether the records were written since the machine was started: processes of another boot do not exist. */
    public boolean sameBoot() {
        return sameBoot;
    }

    /** The containers with records. */
    public List<ContainerId> containers() {
        return List.copyOf(live.keySet());
    }

    /** The records of a container that matter, oldest first. */
    public List<JournalEntry> entries(ContainerId id) {
        return List.copyOf(live.getOrDefault(id, List.of()));
    }

    /** The result of the container's last run, if that is over. */
    public Optional<JournalEntry.Ended> ended(ContainerId id) {
        List<JournalEntry> entries = live.getOrDefault(id, List.of());
        return !entries.isEmpty() && entries.getLast() instanceof JournalEntry.Ended e
                ? Optional.of(e)
                : Optional.empty();
    }

    /** Appends: when this returns, the record survives the death of this process. */
    public void append(JournalEntry entry) throws IOException {
        remember(entry);
        encode(entry);
        sizeBytes += buffer.remaining();
        while (buffer.hasRemaining()) {
            channel.write(buffer);
        }
        if (sizeBytes > COMPACT_AT_BYTES && sizeBytes > 2 * compactedBytes) {
            FileChannel before = channel;
            channel = rewrite();
            before.close();
        }
    }

    private void remember(JournalEntry entry) {
        List<JournalEntry> entries = live.computeIfAbsent(entry.id(), _ -> new ArrayList<>(3));
        switch (entry) {
            case JournalEntry.StartBegun _, JournalEntry.Ended _ -> {
                entries.clear();
                entries.add(entry);
            }
            case JournalEntry.Started _, JournalEntry.ExecBegun _ -> entries.add(entry);
            case JournalEntry.ExecEnded e ->
                    entries.removeIf(o ->
                            o instanceof JournalEntry.ExecBegun b && b.exec().equals(e.exec()));
            case JournalEntry.Forgotten f -> live.remove(f.id());
        }
    }

    private boolean replay() throws IOException {
        if (!Files.exists(file)) {
            return false;
        }
        ByteBuffer all = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
        boolean same = false;
        boolean first = true;
        while (all.remaining() >= 8) {
            int length = all.getInt();
            int sum = all.getInt();
            if (length < 1 || length > MAX_RECORD_BYTES || length > all.remaining()) {
                break;
            }
            ByteBuffer payload = all.slice(all.position(), length).order(ByteOrder.LITTLE_ENDIAN);
            all.position(all.position() + length);
            crc.reset();
            crc.update(payload.duplicate());
            if ((int) crc.getValue() != sum) {
                break;
            }
            int kind = payload.get();
            if (first) {
                if (kind != BOOT) {
                    break;
                }
                same = text(payload).equals(bootId);
                first = false;
            } else {
                decode(kind, payload).ifPresent(this::remember);
            }
        }
        return same;
    }

    private FileChannel rewrite() throws IOException {
        Path next = file.resolveSibling(file.getFileName() + ".new");
        FileChannel fresh =
                FileChannel.open(
                        next,
                        StandardOpenOption.CREATE,
                        StandardOpenOption.TRUNCATE_EXISTING,
                        StandardOpenOption.WRITE);
        try {
            sizeBytes = 0;
            begin(BOOT);
            put(bootId);
            finish(fresh);
            for (List<JournalEntry> entries : live.values()) {
                for (JournalEntry entry : entries) {
                    encode(entry);
                    sizeBytes += buffer.remaining();
                    fresh.write(buffer);
                }
            }
            compactedBytes = sizeBytes;
            Files.move(
                    next,
                    file,
                    StandardCopyOption.ATOMIC_MOVE,
                    StandardCopyOption.REPLACE_EXISTING);
            return fresh;
        } catch (IOException e) {
            fresh.close();
            throw e;
        }
    }

    private void finish(FileChannel to) throws IOException {
        seal();
        sizeBytes += buffer.remaining();
        to.write(buffer);
    }

    private void begin(int kind) {
        buffer.clear().position(8);
        buffer.put((byte) kind);
    }

    private void put(String text) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        buffer.putShort((short) bytes.length).put(bytes);
    }

    private void seal() {
        int end = buffer.position();
        crc.reset();
        crc.update(buffer.slice(8, end - 8));
        buffer.putInt(0, end - 8).putInt(4, (int) crc.getValue());
        buffer.flip();
    }

    private void encode(JournalEntry entry) {
        switch (entry) {
            case JournalEntry.StartBegun e -> {
                begin(START_BEGUN);
                put(e.id().value());
            }
            case JournalEntry.Started e -> {
                begin(STARTED);
                put(e.id().value());
                buffer.putInt(e.pid()).putLong(e.startTime());
            }
            case JournalEntry.Ended e -> {
                begin(ENDED);
                put(e.id().value());
                buffer.put((byte) (e.failed() ? 1 : 0))
                        .putInt(e.waitStatus())
                        .put((byte) (e.oomKilled() ? 1 : 0))
                        .putLong(e.finishedNs())
                        .putLong(e.userUs())
                        .putLong(e.systemUs());
            }
            case JournalEntry.ExecBegun e -> {
                begin(EXEC_BEGUN);
                put(e.id().value());
                put(e.exec());
            }
            case JournalEntry.ExecEnded e -> {
                begin(EXEC_ENDED);
                put(e.id().value());
                put(e.exec());
            }
            case JournalEntry.Forgotten e -> {
                begin(FORGOTTEN);
                put(e.id().value());
            }
        }
        seal();
    }

    private static String text(ByteBuffer payload) {
        byte[] bytes = new byte[Short.toUnsignedInt(payload.getShort())];
        payload.get(bytes);
        return new String(bytes, StandardCharsets.UTF_8);
    }

    /** Empty for a kind of a later version: it is passed over. */
    private static Optional<JournalEntry> decode(int kind, ByteBuffer p) {
        if (kind < START_BEGUN || kind > FORGOTTEN) {
            return Optional.empty();
        }
        ContainerId id = new ContainerId(text(p));
        return Optional.of(
                switch (kind) {
                    case START_BEGUN -> new JournalEntry.StartBegun(id);
                    case STARTED -> new JournalEntry.Started(id, p.getInt(), p.getLong());
                    case ENDED ->
                            new JournalEntry.Ended(
                                    id,
                                    p.get() != 0,
                                    p.getInt(),
                                    p.get() != 0,
                                    p.getLong(),
                                    p.getLong(),
                                    p.getLong());
                    case EXEC_BEGUN -> new JournalEntry.ExecBegun(id, text(p));
                    case EXEC_ENDED -> new JournalEntry.ExecEnded(id, text(p));
                    default -> new JournalEntry.Forgotten(id);
                });
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }
}
