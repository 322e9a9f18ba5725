package dev.berth.linux;

import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;

/**
 * File names as Java strings without loss. The kernel's names are bytes; here they are UTF-8, and a byte that is not valid UTF-8 becomes the lone surrogate U+DC00 + byte, which
 * encodes back to that byte. So every entry of a directory can be named again, whatever an image put there.
 *
 * <p>Thread: any.
 */
public final class PathBytes {
    private PathBytes() {}

    /** The text of a name as the kernel (or a tar header) has it. */
    public static String decode(byte[] name) {
        try {
            return StandardCharsets.UTF_8
                    .newDecoder()
                    .onMalformedInput(CodingErrorAction.REPORT)
                    .onUnmappableCharacter(CodingErrorAction.REPORT)
                    .decode(ByteBuffer.wrap(name))
                    .toString();
        } catch (CharacterCodingException _) {
            return decodeEscaping(name);
        }
    }

    private static String decodeEscaping(byte[] name) {
        var decoder =
                StandardCharsets.UTF_8
                        .newDecoder()
                        .onMalformedInput(CodingErrorAction.REPORT)
                        .onUnmappableCharacter(CodingErrorAction.REPORT);
        ByteBuffer in = ByteBuffer.wrap(name);
        CharBuffer out = CharBuffer.allocate(name.length);
        while (true) {
            var result = decoder.decode(in, out, true);
            if (!result.isError()) {
                return out.flip().toString();
            }
            for (int i = 0; i < result.length(); i++) {
                out.put((char) (0xDC00 + (in.get() & 0xff)));
            }
            decoder.reset();
        }
    }

    /** The bytes of a name; a lone surrogate that no byte can stand for becomes {@code ?}. */
    public static byte[] encode(String name) {
        boolean escaped = false;
        for (int i = 0; i < name.length() && !escaped; i++) {
            escaped = isEscape(name, i);
        }
        if (!escaped) {
            return name.getBytes(StandardCharsets.UTF_8);
        }
        var out = new java.io.ByteArrayOutputStream(name.length() * 3);
        int start = 0;
        for (int i = 0; i < name.length(); i++) {
            if (isEscape(name, i)) {
                out.writeBytes(name.substring(start, i).getBytes(StandardCharsets.UTF_8));
                out.write(name.charAt(i) - 0xDC00);
                start = i + 1;
            }
        }
        out.writeBytes(name.substring(start).getBytes(StandardCharsets.UTF_8));
        return out.toByteArray();
    }

    private static boolean isEscape(String name, int at) {
        char c = name.charAt(at);
        return c >= 0xDC80
                && c <= 0xDCFF
                && !(at > 0 && Character.isHighSurrogate(name.charAt(at - 1)));
    }
}
