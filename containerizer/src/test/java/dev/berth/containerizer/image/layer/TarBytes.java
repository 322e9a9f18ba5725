package dev.berth.containerizer.image.layer;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Locale;

/** Writes tar members byte by byte, also such as no honest tool writes. */
public final class TarBytes {
    private final ByteArrayOutputStream out = new ByteArrayOutputStream();

    public TarBytes file(String name, String content) {
        return file(name, 0644, content.getBytes(StandardCharsets.UTF_8));
    }

    public TarBytes file(String name, int mode, byte[] content) {
        header(name, '0', mode, 0, 0, content.length, "", 0, 0);
        return body(content);
    }

    public TarBytes directory(String name, int mode) {
        return header(name, '5', mode, 0, 0, 0, "", 0, 0);
    }

    public TarBytes symlink(String name, String target) {
        return header(name, '2', 0777, 0, 0, 0, target, 0, 0);
    }

    public TarBytes hardLink(String name, String target) {
        return header(name, '1', 0644, 0, 0, 0, target, 0, 0);
    }

    public TarBytes device(String name, char type, int major, int minor) {
        return header(name, type, 0660, 0, 0, 0, "", major, minor);
    }

    /** One pax header with pairs of key and value bytes. */
    public TarBytes pax(Object... pairs) {
        ByteArrayOutputStream records = new ByteArrayOutputStream();
        for (int i = 0; i < pairs.length; i += 2) {
            byte[] key = pairs[i].toString().getBytes(StandardCharsets.UTF_8);
            byte[] value =
                    pairs[i + 1] instanceof byte[] bytes
                            ? bytes
                            : pairs[i + 1].toString().getBytes(StandardCharsets.UTF_8);
            int rest = key.length + value.length + 3;
            int length = rest + Integer.toString(rest).length();
            length = rest + Integer.toString(length).length();
            records.writeBytes((length + " ").getBytes(StandardCharsets.US_ASCII));
            records.writeBytes(key);
            records.write('=');
            records.writeBytes(value);
            records.write('\n');
        }
        header("pax", 'x', 0644, 0, 0, records.size(), "", 0, 0);
        return body(records.toByteArray());
    }

    public TarBytes header(
            String name,
            char type,
            int mode,
            long uid,
            long gid,
            long size,
            String link,
            int major,
            int minor) {
        byte[] block = new byte[512];
        text(block, 0, name);
        octal(block, 100, 8, mode);
        octal(block, 108, 8, uid);
        octal(block, 116, 8, gid);
        octal(block, 124, 12, size);
        octal(block, 136, 12, 1000);
        block[156] = (byte) type;
        text(block, 157, link);
        text(block, 257, "ustar");
        text(block, 263, "00");
        octal(block, 329, 8, major);
        octal(block, 337, 8, minor);
        return raw(sum(block));
    }

    static byte[] sum(byte[] block) {
        for (int i = 148; i < 156; i++) {
            block[i] = ' ';
        }
        int sum = 0;
        for (byte b : block) {
            sum += b & 0xff;
        }
        octal(block, 148, 7, sum);
        return block;
    }

    private static void text(byte[] block, int offset, String text) {
        byte[] bytes = text.getBytes(StandardCharsets.ISO_8859_1);
        System.arraycopy(bytes, 0, block, offset, bytes.length);
    }

    private static void octal(byte[] block, int offset, int length, long value) {
        if (value >= 1L << 3 * (length - 1)) {
            for (int i = 0; i < length; i++) {
                block[offset + length - 1 - i] = (byte) (value >> 8 * Math.min(i, 7));
            }
            block[offset] = (byte) 0x80;
            return;
        }
        text(block, offset, String.format(Locale.ROOT, "%0" + (length - 1) + "o", value));
    }

    public TarBytes body(byte[] content) {
        out.writeBytes(content);
        return raw(new byte[-content.length & 511]);
    }

    public TarBytes raw(byte[] bytes) {
        out.writeBytes(bytes);
        return this;
    }

    public byte[] unended() {
        return out.toByteArray();
    }

    public byte[] end() {
        return raw(new byte[1024]).unended();
    }
}
