package dev.berth.http;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Random;

/** Makes messages that are right but for a few bytes. */
public final class Damage {
    private static final List<String> JSON_PARTS =
            List.of(
                    "null",
                    "[]",
                    "{}",
                    "\"\"",
                    "-1",
                    "1e999",
                    "99999999999999999999999999",
                    "true",
                    "NaN",
                    "\"\\u0000\\ud800\"",
                    "[[[[[[[[[[[[",
                    "{\"a\":",
                    "/**/",
                    "\"Infinity\"",
                    "0x10",
                    "{\"value\":{\"value\":{\"value\":{}}}}",
                    "\"TASK_RUNNING\"",
                    "3");

    private final Random random;

    public Damage(Random random) {
        this.random = random;
    }

    /** A message in an encoding, damaged in up to three places. */
    public byte[] to(byte[] bytes, Encoding encoding) {
        byte[] now = bytes;
        for (int i = random.nextInt(4); i > 0; i--) {
            now = encoding == Encoding.JSON && random.nextBoolean() ? reworded(now) : cut(now);
        }
        return now;
    }

    /** A value of a JSON text becomes another one. */
    private byte[] reworded(byte[] bytes) {
        String text = new String(bytes, StandardCharsets.UTF_8);
        int colon = text.indexOf(':', random.nextInt(Math.max(1, text.length())));
        if (colon < 0) {
            return bytes;
        }
        int end = colon + 1;
        while (end < text.length() && ",}]".indexOf(text.charAt(end)) < 0) {
            end++;
        }
        String part = JSON_PARTS.get(random.nextInt(JSON_PARTS.size()));
        return (text.substring(0, colon + 1) + part + text.substring(end))
                .getBytes(StandardCharsets.UTF_8);
    }

    private byte[] cut(byte[] bytes) {
        if (bytes.length == 0) {
            return bytes;
        }
        int at = random.nextInt(bytes.length);
        int to = Math.min(bytes.length, at + 1 + random.nextInt(20));
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        out.write(bytes, 0, at);
        switch (random.nextInt(6)) {
            // Cut off; something left out; twice; overwritten; something between; a long number.
            case 0 -> {
                return out.toByteArray();
            }
            case 1 -> out.write(bytes, to, bytes.length - to);
            case 2 -> {
                out.write(bytes, at, to - at);
                out.write(bytes, at, bytes.length - at);
            }
            case 3 -> {
                byte[] noise = new byte[to - at];
                random.nextBytes(noise);
                out.writeBytes(noise);
                out.write(bytes, to, bytes.length - to);
            }
            case 4 -> {
                byte[] noise = new byte[1 + random.nextInt(8)];
                random.nextBytes(noise);
                out.writeBytes(noise);
                out.write(bytes, at, bytes.length - at);
            }
            default -> {
                byte[] number = new byte[10];
                Arrays.fill(number, (byte) 0xff);
                number[9] = (byte) random.nextInt(3);
                out.writeBytes(number);
                out.write(bytes, at, bytes.length - at);
            }
        }
        return out.toByteArray();
    }
}
