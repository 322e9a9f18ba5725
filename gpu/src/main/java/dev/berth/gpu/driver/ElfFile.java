package dev.berth.gpu.driver;

import dev.berth.linux.ErrnoException;
import dev.berth.linux.Fd;
import dev.berth.linux.Files;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * What the dynamic loader goes by in a shared object: class, machine and DT_SONAME ({@code elf(5)}). Reads the program headers and one string, at most {@value #MAX_DYNAMIC_BYTES} bytes of the dynamic section; never
 * section headers, notes or whole string tables, so that a file of any size or content costs a few small reads.
 *
 * @param bits 32 or 64
 * @param machine {@code e_machine}: 62 x86-64, 3 i386, 183 aarch64
 * @param soname a plain file name; empty when there is none
 */
public record ElfFile(int bits, int machine, Optional<String> soname) {
    public static final int X86_64 = 62;
    public static final int I386 = 3;
    public static final int AARCH64 = 183;

    static final int MAX_PROGRAM_HEADERS = 512;
    static final int MAX_DYNAMIC_BYTES = 64 * 1024;
    private static final int MAX_NAME = 255;

    private static final int PT_LOAD = 1;
    private static final int PT_DYNAMIC = 2;
    private static final int DT_STRTAB = 5;
    private static final int DT_STRSZ = 10;
    private static final int DT_SONAME = 14;
    private static final Pattern NAME = Pattern.compile("[A-Za-z0-9_][A-Za-z0-9._+-]*");

    /** It is no ELF file that can be used; the message says why. */
    public static final class MalformedElfException extends Exception {
        MalformedElfException(String message) {
            super(message);
        }
    }

    private record Segment(int type, long offset, long address, long fileBytes) {}

    /**
     * Reads a regular file that is open for reading; its position is not used.
     *
     * @throws MalformedElfException when it is no little-endian ELF file or contradicts itself
     */
    public static ElfFile read(Files files, Fd file) throws ErrnoException, MalformedElfException {
        return new Reader(files, file).read();
    }

    /** One reading. */
    private static final class Reader {
        private final Files files;
        private final Fd file;
        private boolean wide;

        private Reader(Files files, Fd file) {
            this.files = files;
            this.file = file;
        }

        ElfFile read() throws ErrnoException, MalformedElfException {
            ByteBuffer head = at(0, 64);
            if (head.getInt(0) != 0x464C457F) {
                throw new MalformedElfException("it is no ELF file");
            }
            int kind = head.get(4);
            if ((kind != 1 && kind != 2) || head.get(5) != 1) {
                throw new MalformedElfException("its ELF class or byte order is unknown");
            }
            wide = kind == 2;
            int machine = head.getShort(18) & 0xffff;
            long table = wide ? head.getLong(32) : head.getInt(28) & 0xffffffffL;
            int entry = head.getShort(wide ? 54 : 42) & 0xffff;
            int count = head.getShort(wide ? 56 : 44) & 0xffff;
            if (entry != (wide ? 56 : 32) || count > MAX_PROGRAM_HEADERS) {
                throw new MalformedElfException(
                        count + " program headers of " + entry + " bytes are not believed");
            }
            List<Segment> segments = segments(at(table, count * entry), count, entry);
            return new ElfFile(wide ? 64 : 32, machine, soname(segments));
        }

        private List<Segment> segments(ByteBuffer table, int count, int entry) {
            List<Segment> segments = new ArrayList<>();
            for (int i = 0; i < count; i++) {
                int p = i * entry;
                segments.add(
                        wide
                                ? new Segment(
                                        table.getInt(p),
                                        table.getLong(p + 8),
                                        table.getLong(p + 16),
                                        table.getLong(p + 32))
                                : new Segment(
                                        table.getInt(p),
                                        table.getInt(p + 4) & 0xffffffffL,
                                        table.getInt(p + 8) & 0xffffffffL,
                                        table.getInt(p + 16) & 0xffffffffL));
            }
            return segments;
        }

        private Optional<String> soname(List<Segment> segments)
                throws ErrnoException, MalformedElfException {
            Optional<Segment> found =
                    segments.stream().filter(s -> s.type() == PT_DYNAMIC).findFirst();
            if (found.isEmpty()) {
                return Optional.empty();
            }
            long bytes = found.get().fileBytes();
            if (bytes < 0 || bytes > MAX_DYNAMIC_BYTES) {
                throw new MalformedElfException(
                        "a dynamic section of "
                                + Long.toUnsignedString(bytes)
                                + " bytes is not believed");
            }
            int entry = wide ? 16 : 8;
            ByteBuffer dynamic = at(found.get().offset(), (int) (bytes - bytes % entry));
            long strings = -1;
            long size = 0;
            long name = -1;
            for (int p = 0; p < dynamic.limit(); p += entry) {
                long tag = wide ? dynamic.getLong(p) : dynamic.getInt(p);
                long value = wide ? dynamic.getLong(p + 8) : dynamic.getInt(p + 4) & 0xffffffffL;
                if (tag == 0) {
                    break;
                } else if (tag == DT_STRTAB) {
                    strings = value;
                } else if (tag == DT_STRSZ) {
                    size = value;
                } else if (tag == DT_SONAME) {
                    name = value;
                }
            }
            if (name == -1) {
                return Optional.empty();
            }
            if (name < 0 || name >= size) {
                throw new MalformedElfException("its SONAME lies outside its string table");
            }
            return Optional.of(name(fileOffset(segments, strings) + name, size - name));
        }

        private static long fileOffset(List<Segment> segments, long address)
                throws MalformedElfException {
            for (Segment s : segments) {
                long into = address - s.address();
                if (s.type() == PT_LOAD && into >= 0 && into < s.fileBytes()) {
                    return s.offset() + into;
                }
            }
            throw new MalformedElfException("its string table lies in no loaded segment");
        }

        private String name(long offset, long most) throws ErrnoException, MalformedElfException {
            byte[] bytes = new byte[MAX_NAME + 1];
            int n = read(offset, bytes, (int) Math.min(most, bytes.length));
            int end = 0;
            while (end < n && bytes[end] != 0) {
                end++;
            }
            String name = new String(bytes, 0, end, StandardCharsets.ISO_8859_1);
            if (end == n || !NAME.matcher(name).matches()) {
                throw new MalformedElfException("its SONAME is no file name");
            }
            return name;
        }

        private ByteBuffer at(long offset, int length)
                throws ErrnoException, MalformedElfException {
            byte[] bytes = new byte[length];
            if (read(offset, bytes, length) < length) {
                throw new MalformedElfException("it ends too early");
            }
            return ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
        }

        /** As many as there are, up to {@code length}. */
        private int read(long offset, byte[] into, int length)
                throws ErrnoException, MalformedElfException {
            if (offset < 0 || offset > Long.MAX_VALUE - length) {
                throw new MalformedElfException("it points outside itself");
            }
            try (Arena arena = Arena.ofConfined()) {
                MemorySegment buffer = arena.allocate(Math.max(length, 1));
                int done = 0;
                while (done < length) {
                    int n = files.pread(file, buffer.asSlice(done, length - done), offset + done);
                    if (n <= 0) {
                        break;
                    }
                    done += n;
                }
                MemorySegment.copy(buffer, ValueLayout.JAVA_BYTE, 0, into, 0, done);
                return done;
            }
        }
    }
}
