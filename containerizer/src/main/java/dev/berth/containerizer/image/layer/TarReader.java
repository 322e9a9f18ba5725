package dev.berth.containerizer.image.layer;

import dev.berth.containerizer.image.layer.TarEntry.Segment;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Reads a tar stream: ustar, pax, GNU and V7, with long names, large numbers and sparse files in all four forms.
 *
 * <p>Thread: one.
 */
public final class TarReader {
    /** Bound of one extended header or long name. */
    private static final int MAX_EXTENSION_BYTES = 1 << 20;

    private static final int MAX_SEGMENTS = 1 << 20;

    private final InputStream in;
    private final byte[] block = new byte[TarHeader.BLOCK];

    /** Archived bytes of the current member that are still to be read. */
    private long remaining;

    private long padding;

    public TarReader(InputStream in) {
        this.in = in;
    }

    /** The next member; empty at the end of the archive. What is left of the current one is skipped. */
    public Optional<TarEntry> next() throws IOException {
        PaxRecords pax = new PaxRecords();
        Optional<String> longName = Optional.empty();
        Optional<String> longLink = Optional.empty();
        while (true) {
            skip(remaining + padding);
            remaining = 0;
            padding = 0;
            if (!fill()) {
                return Optional.empty();
            }
            TarHeader header = new TarHeader(block);
            if (header.isZero()) {
                if (fill() && !header.isZero()) {
                    throw new IOException("tar has a single zero block between members");
                }
                return Optional.empty();
            }
            header.verifyChecksum();
            switch (header.type()) {
                case 'x', 'X' -> pax.read(extension(header));
                case 'g' -> extension(header);
                case 'L' -> longName = Optional.of(string(extension(header)));
                case 'K' -> longLink = Optional.of(string(extension(header)));
                default -> {
                    return Optional.of(entry(header, pax, longName, longLink));
                }
            }
        }
    }

    private TarEntry entry(
            TarHeader header, PaxRecords pax, Optional<String> longName, Optional<String> longLink)
            throws IOException {
        String ustarName = header.name();
        String ustarLink = header.linkName();
        String name = pax.value("path").or(() -> longName).orElse(ustarName);
        String link = pax.value("linkpath").or(() -> longLink).orElse(ustarLink);
        TarEntry.Type type = type(header.type(), name);
        long archived = pax.number("size", header.size());
        if (archived < 0) {
            throw new IOException("tar member " + name + " has a negative size");
        }
        boolean hasBody = type == TarEntry.Type.REGULAR;
        // Some writers give links and directories a size that no body follows for; a hard link in
        // pax may have one.
        if (type == TarEntry.Type.HARD_LINK || hasBody) {
            expect(archived);
        }
        long mode = header.mode();
        long uid = pax.number("uid", header.uid());
        long gid = pax.number("gid", header.gid());
        long[] mtime = time(pax.value("mtime").orElse(Long.toString(header.mtime())));
        int major = device(header.major(), name);
        int minor = device(header.minor(), name);
        long realSize = hasBody ? archived : 0;
        List<Segment> segments = List.of();
        if (hasBody) {
            Optional<Sparse> sparse = sparse(header, pax, archived);
            if (sparse.isPresent()) {
                segments = sparse.get().segments;
                realSize = sparse.get().realSize;
                check(name, segments, realSize);
                name = pax.value("GNU.sparse.name").orElse(name);
            }
        }
        return new TarEntry(
                name,
                type,
                (int) (mode & 07777),
                id(uid, name),
                id(gid, name),
                realSize,
                mtime[0],
                (int) mtime[1],
                link,
                major,
                minor,
                Map.copyOf(pax.xattrs()),
                segments);
    }

    private static TarEntry.Type type(char flag, String name) throws IOException {
        return switch (flag) {
            case '0', '7', 'S' -> TarEntry.Type.REGULAR;
            // V7 had no directories but names that end in a slash.
            case '\0' -> name.endsWith("/") ? TarEntry.Type.DIRECTORY : TarEntry.Type.REGULAR;
            case '1' -> TarEntry.Type.HARD_LINK;
            case '2' -> TarEntry.Type.SYMLINK;
            case '3' -> TarEntry.Type.CHAR_DEVICE;
            case '4' -> TarEntry.Type.BLOCK_DEVICE;
            case '5' -> TarEntry.Type.DIRECTORY;
            case '6' -> TarEntry.Type.FIFO;
            default ->
                    throw new IOException(
                            "tar member " + name + " has unsupported type '" + flag + "'");
        };
    }

    private static int id(long id, String name) throws IOException {
        // 2^32-1 means "leave it" to chown(2).
        if (id < 0 || id >= 0xffffffffL) {
            throw new IOException("tar member " + name + " has invalid owner " + id);
        }
        return (int) id;
    }

    private static int device(long number, String name) throws IOException {
        if (number < 0 || number > 0xffffffffL) {
            throw new IOException("tar member " + name + " has invalid device number " + number);
        }
        return (int) number;
    }

    /** Seconds and nanoseconds; before 1970 the nanoseconds still count upwards. */
    private static long[] time(String text) throws IOException {
        try {
            int dot = text.indexOf('.');
            if (dot < 0) {
                return new long[] {Long.parseLong(text), 0};
            }
            String whole = text.substring(0, dot);
            long seconds = whole.isEmpty() || whole.equals("-") ? 0 : Long.parseLong(whole);
            long nanos = Long.parseLong((text.substring(dot + 1) + "000000000").substring(0, 9));
            return text.startsWith("-") && nanos > 0
                    ? new long[] {seconds - 1, 1_000_000_000 - nanos}
                    : new long[] {seconds, nanos};
        } catch (NumberFormatException e) {
            throw new IOException("tar has an invalid time \"" + text + "\"", e);
        }
    }

    private record Sparse(List<Segment> segments, long realSize) {}

    private Optional<Sparse> sparse(TarHeader header, PaxRecords pax, long archived)
            throws IOException {
        if (header.type() == 'S') {
            return Optional.of(oldGnuSparse(header));
        }
        if (pax.value("GNU.sparse.major").isPresent()) {
            long major = pax.number("GNU.sparse.major", 0);
            long minor = pax.number("GNU.sparse.minor", 0);
            if (major != 1 || minor != 0) {
                throw new IOException("tar has sparse format " + major + "." + minor);
            }
            return Optional.of(
                    new Sparse(
                            pairs(sparseMapInBody()), pax.number("GNU.sparse.realsize", archived)));
        }
        List<Long> numbers = pax.sparseNumbers();
        if (numbers.isEmpty()) {
            return Optional.empty();
        }
        long size = pax.number("GNU.sparse.realsize", pax.number("GNU.sparse.size", archived));
        return Optional.of(new Sparse(pairs(numbers), size));
    }

    private Sparse oldGnuSparse(TarHeader header) throws IOException {
        long realSize = header.number(483, 12, "real size");
        boolean more = header.flag(482) != 0;
        List<Long> numbers = new ArrayList<>();
        gnuPairs(header, 386, 4, numbers);
        // The extension blocks come between the header and the body and are not part of its size.
        while (more) {
            if (!fill()) {
                throw new EOFException("tar ends inside a sparse map");
            }
            TarHeader extension = new TarHeader(block);
            gnuPairs(extension, 0, 21, numbers);
            more = extension.flag(504) != 0;
            if (numbers.size() > 2 * MAX_SEGMENTS) {
                throw new IOException("tar has a sparse map of too many segments");
            }
        }
        return new Sparse(pairs(numbers), realSize);
    }

    private static void gnuPairs(TarHeader header, int offset, int count, List<Long> into)
            throws IOException {
        for (int i = 0; i < count; i++) {
            int at = offset + 24 * i;
            if (header.flag(at) == 0) {
                return;
            }
            into.add(header.number(at, 12, "sparse offset"));
            into.add(header.number(at + 12, 12, "sparse length"));
        }
    }

    /** Format 1.0: decimal numbers, one a line, at the start of the body, filled up to whole blocks. */
    private List<Long> sparseMapInBody() throws IOException {
        List<Long> numbers = new ArrayList<>();
        long wanted = -1;
        long value = 0;
        int digits = 0;
        while (wanted < 0 || numbers.size() < wanted) {
            if (remaining < TarHeader.BLOCK || !fill()) {
                throw new EOFException("tar ends inside a sparse map");
            }
            remaining -= TarHeader.BLOCK;
            for (int i = 0; i < TarHeader.BLOCK && (wanted < 0 || numbers.size() < wanted); i++) {
                byte b = block[i];
                if (b == '\n' && digits > 0) {
                    if (wanted < 0) {
                        wanted = 2 * value;
                    } else {
                        numbers.add(value);
                    }
                    value = 0;
                    digits = 0;
                } else if (b >= '0' && b <= '9' && digits < 18) {
                    value = value * 10 + (b - '0');
                    digits++;
                } else {
                    throw new IOException("tar has a malformed sparse map");
                }
            }
            if (wanted > 2L * MAX_SEGMENTS) {
                throw new IOException("tar has a sparse map of too many segments");
            }
        }
        return numbers;
    }

    private static List<Segment> pairs(List<Long> numbers) throws IOException {
        if (numbers.size() % 2 != 0 || numbers.size() > 2 * MAX_SEGMENTS) {
            throw new IOException("tar has a malformed sparse map");
        }
        List<Segment> result = new ArrayList<>(numbers.size() / 2);
        for (int i = 0; i < numbers.size(); i += 2) {
            result.add(new Segment(numbers.get(i), numbers.get(i + 1)));
        }
        return List.copyOf(result);
    }

    private void check(String name, List<Segment> segments, long realSize) throws IOException {
        long end = 0;
        long sum = 0;
        for (Segment segment : segments) {
            if (segment.offset() < end
                    || segment.lengthBytes() < 0
                    || segment.lengthBytes() > realSize - segment.offset()) {
                throw new IOException("tar member " + name + " has an invalid sparse map");
            }
            end = segment.offset() + segment.lengthBytes();
            sum += segment.lengthBytes();
        }
        if (sum != remaining) {
            throw new IOException("tar member " + name + " has a sparse map of another size");
        }
    }

    private void expect(long bytes) {
        remaining = bytes;
        padding = -bytes & (TarHeader.BLOCK - 1);
    }

    private byte[] extension(TarHeader header) throws IOException {
        long size = header.size();
        if (size < 0 || size > MAX_EXTENSION_BYTES) {
            throw new IOException(
                    "tar has an extended header of "
                            + size
                            + " bytes, more than "
                            + MAX_EXTENSION_BYTES);
        }
        expect(size);
        byte[] bytes = new byte[(int) size];
        readFully(bytes, bytes.length);
        remaining = 0;
        return bytes;
    }

    private static String string(byte[] bytes) {
        int end = 0;
        while (end < bytes.length && bytes[end] != 0) {
            end++;
        }
        return TarHeader.utf8(bytes, 0, end);
    }

    /** At most {@code limit} archived bytes of the current member, holes left out; −1 at its end. */
    public int read(byte[] target, long limit) throws IOException {
        if (remaining == 0) {
            return -1;
        }
        long most = Math.min(limit, Math.min(target.length, remaining));
        int count = in.read(target, 0, (int) most);
        if (count < 0) {
            throw new EOFException("tar ends inside a member");
        }
        remaining -= count;
        return count;
    }

    /** Reads the rest of the stream: what follows the archive's end is part of its digest too. */
    public void drain() throws IOException {
        byte[] buffer = new byte[64 << 10];
        while (in.read(buffer) >= 0) {
            // The streams below count and digest.
        }
    }

    private boolean fill() throws IOException {
        int count = in.readNBytes(block, 0, TarHeader.BLOCK);
        if (count == 0) {
            return false;
        }
        if (count < TarHeader.BLOCK) {
            throw new EOFException("tar ends inside a header");
        }
        return true;
    }

    private void readFully(byte[] target, int length) throws IOException {
        if (in.readNBytes(target, 0, length) < length) {
            throw new EOFException("tar ends inside an extended header");
        }
    }

    private void skip(long bytes) throws IOException {
        byte[] buffer = new byte[(int) Math.min(64 << 10, Math.max(bytes, 1))];
        long left = bytes;
        while (left > 0) {
            int count = in.read(buffer, 0, (int) Math.min(buffer.length, left));
            if (count < 0) {
                throw new EOFException("tar ends inside a member");
            }
            left -= count;
        }
    }
}
