package dev.berth.containerizer.launch;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** The data of a launch program in the making: strings (equal ones once), structs, and the pointers inside them. Thread: one. */
final class ProgramData {
    /** Relocation of a 64-bit word: at load it becomes the address of {@code data + value}. */
    record Pointer(int at, int value) {}

    private static final int CHUNK = 4096;

    private ByteBuffer bytes = ByteBuffer.allocate(2 * CHUNK).order(ByteOrder.LITTLE_ENDIAN);
    private final Map<String, Integer> strings = new HashMap<>();
    private final Map<ByteBuffer, Integer> structs = new HashMap<>();
    private final List<Pointer> pointers = new ArrayList<>();

    /** Offset of the string with a NUL behind it. */
    int string(String text) {
        if (text.indexOf('\0') >= 0) {
            throw new IllegalArgumentException("a NUL in \"" + text.replace('\0', '?') + "\"");
        }
        return nulSeparated(text);
    }

    /** As {@link #string}, of several strings with a NUL between each two. */
    int nulSeparated(String text) {
        Integer known = strings.get(text);
        if (known != null) {
            return known;
        }
        int offset = append(text.getBytes(StandardCharsets.UTF_8), 1);
        append(new byte[1], 1);
        strings.put(text, offset);
        return offset;
    }

    /** Offset of eight-aligned bytes; equal ones once, so nothing may patch them. */
    int struct(byte[] content) {
        ByteBuffer key = ByteBuffer.wrap(content);
        Integer known = structs.get(key);
        if (known != null) {
            return known;
        }
        int offset = append(content, 8);
        structs.put(key, offset);
        return offset;
    }

    int words32(int... words) {
        ByteBuffer b = ByteBuffer.allocate(4 * words.length).order(ByteOrder.LITTLE_ENDIAN);
        for (int w : words) {
            b.putInt(w);
        }
        return struct(b.array());
    }

    int words64(long... words) {
        ByteBuffer b = ByteBuffer.allocate(8 * words.length).order(ByteOrder.LITTLE_ENDIAN);
        for (long w : words) {
            b.putLong(w);
        }
        return struct(b.array());
    }

    /** Offset of a NULL-terminated array of pointers to the strings: argv, envp. */
    int stringArray(List<String> texts) {
        int[] offsets = new int[texts.size()];
        for (int i = 0; i < offsets.length; i++) {
            offsets[i] = string(texts.get(i));
        }
        int array = append(new byte[8 * (offsets.length + 1)], 8);
        for (int i = 0; i < offsets.length; i++) {
            pointers.add(new Pointer(array + 8 * i, offsets[i]));
        }
        return array;
    }

    /** Offset of a {@code struct sock_fprog} over the filter. */
    int filterProgram(byte[] filter) {
        int instructions = append(filter, 8);
        ByteBuffer fprog = ByteBuffer.allocate(16).order(ByteOrder.LITTLE_ENDIAN);
        fprog.putShort((short) (filter.length / 8));
        int at = append(fprog.array(), 8);
        pointers.add(new Pointer(at + 8, instructions));
        return at;
    }

    List<Pointer> pointers() {
        return pointers;
    }

    byte[] toBytes() {
        return Arrays.copyOf(bytes.array(), bytes.position());
    }

    private int append(byte[] content, int alignment) {
        int offset = (bytes.position() + alignment - 1) / alignment * alignment;
        int end = Math.addExact(offset, content.length);
        if (end > bytes.capacity()) {
            ByteBuffer larger =
                    ByteBuffer.allocate(Math.max(end + CHUNK, 2 * bytes.capacity()))
                            .order(ByteOrder.LITTLE_ENDIAN);
            bytes.flip();
            larger.put(bytes);
            bytes = larger;
        }
        bytes.position(offset);
        bytes.put(content);
        return offset;
    }
}
