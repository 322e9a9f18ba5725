package dev.berth.containerizer.image.layer;

import dev.berth.linux.PathBytes;

import java.io.IOException;
import java.util.Arrays;

/** Fields of one 512-byte tar header block (POSIX ustar; GNU tar manual, "Basic Tar Format"). */
final class TarHeader {
    static final int BLOCK = 512;

    private static final byte[] USTAR = {'u', 's', 't', 'a', 'r', 0};
    private static final byte[] GNU = {'u', 's', 't', 'a', 'r', ' ', ' ', 0};

    private final byte[] block;

    TarHeader(byte[] block) {
        this.block = block;
    }

    boolean isZero() {
        for (byte b : block) {
            if (b != 0) {
                return false;
            }
        }
        return true;
    }

    /** Sums as unsigned bytes, or as signed ones as some old writers did. */
    void verifyChecksum() throws IOException {
        long stored = number(148, 8, "checksum");
        long unsigned = 0;
        long signed = 0;
        for (int i = 0; i < BLOCK; i++) {
            byte b = i >= 148 && i < 156 ? (byte) ' ' : block[i];
            unsigned += b & 0xff;
            signed += b;
        }
        if (stored != unsigned && stored != signed) {
            throw new IOException("tar header has a wrong checksum");
        }
    }

    char type() {
        return (char) (block[156] & 0xff);
    }

    boolean isGnu() {
        return matches(GNU);
    }

    private boolean matches(byte[] magic) {
        return Arrays.equals(block, 257, 257 + magic.length, magic, 0, magic.length);
    }

    String name() {
        String name = text(0, 100);
        if (matches(USTAR)) {
            boolean star = block[508] == 't' && block[509] == 'a' && block[510] == 'r';
            String prefix = text(345, star ? 131 : 155);
            if (!prefix.isEmpty()) {
                return prefix + "/" + name;
            }
        }
        return name;
    }

    String linkName() {
        return text(157, 100);
    }

    long mode() throws IOException {
        return number(100, 8, "mode");
    }

    long uid() throws IOException {
        return number(108, 8, "uid");
    }

    long gid() throws IOException {
        return number(116, 8, "gid");
    }

    long size() throws IOException {
        return number(124, 12, "size");
    }

    long mtime() throws IOException {
        return number(136, 12, "mtime");
    }

    long major() throws IOException {
        return matches(USTAR) || isGnu() ? number(329, 8, "device major") : 0;
    }

    long minor() throws IOException {
        return matches(USTAR) || isGnu() ? number(337, 8, "device minor") : 0;
    }

    int flag(int offset) {
        return block[offset];
    }

    private String text(int offset, int length) {
        int end = offset;
        while (end < offset + length && block[end] != 0) {
            end++;
        }
        return utf8(block, offset, end - offset);
    }

    /** Octal digits, or base 256 when the first bit is set. */
    long number(int offset, int length, String what) throws IOException {
        if ((block[offset] & 0x80) != 0) {
            return base256(offset, length, what);
        }
        int at = offset;
        int end = offset + length;
        while (at < end && (block[at] == ' ' || block[at] == 0)) {
            at++;
        }
        long value = 0;
        while (at < end && block[at] != ' ' && block[at] != 0) {
            int digit = block[at++] - '0';
            if (digit < 0 || digit > 7) {
                throw new IOException("tar header has an invalid " + what);
            }
            value = value << 3 | digit;
        }
        return value;
    }

    private long base256(int offset, int length, String what) throws IOException {
        boolean negative = (block[offset] & 0x40) != 0;
        long value = negative ? -1 : 0;
        for (int i = 0; i < length; i++) {
            int b = block[offset + i] & 0xff;
            if (i == 0) {
                b = negative ? b | 0x80 : b & 0x7f;
            }
            long top = value >> 55;
            if (top != 0 && top != -1) {
                throw new IOException("tar header has a " + what + " beyond 64 bits");
            }
            value = value << 8 | b;
        }
        return value;
    }

    /** Names are bytes: what is not UTF-8 survives too. */
    static String utf8(byte[] bytes, int offset, int length) {
        return PathBytes.decode(Arrays.copyOfRange(bytes, offset, offset + length));
    }
}
