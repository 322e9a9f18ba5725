package dev.berth.shim;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;

/** A program for this machine's architecture that ships inside this jar; static, but for {@link #cuda}. Immutable. */
public final class ShimBinary {
    private static final int ELF_MAGIC = 0x464c457f;
    private static final int PT_NOTE = 4;
    private static final int NT_GNU_BUILD_ID = 3;

    private final String resource;
    private final byte[] bytes;
    private final byte[] buildId;

    private ShimBinary(String resource, byte[] bytes) {
        this.resource = resource;
        this.bytes = bytes;
        this.buildId = readBuildId(resource, bytes);
    }

    /**
     * The shim: spawner, monitor and init.
     *
     * @throws IllegalStateException if this jar holds none for this architecture
     */
    public static ShimBinary shim() {
        return load("berth-shim");
    }

    /**
     * The probe, which tells what a process sees from inside a container.
     *
     * @throws IllegalStateException if this jar holds none for this architecture
     */
    public static ShimBinary probe() {
        return load("berth-probe");
    }

    /**
     * A CUDA program that tells what it sees and computes, as JSON lines. It needs a C library and the driver's {@code libcuda.so.1} where it runs.
     *
     * @throws IllegalStateException if this jar holds none for this architecture
     */
    public static ShimBinary cuda() {
        return load("berth-cuda");
    }

    private static ShimBinary load(String name) {
        String arch = System.getProperty("os.arch").equals("aarch64") ? "aarch64" : "x86_64";
        String resource = name + "-" + arch;
        try (InputStream in = ShimBinary.class.getResourceAsStream(resource)) {
            if (in == null) {
                throw new IllegalStateException(
                        resource + " is not in the jar: build native-bindings/shim on " + arch);
            }
            return new ShimBinary(resource, in.readAllBytes());
        } catch (IOException e) {
            throw new UncheckedIOException("read " + resource, e);
        }
    }

    /** The file name that it ships under. */
    public String resource() {
        return resource;
    }

    /** A copy of the whole ELF file. */
    public byte[] bytes() {
        return bytes.clone();
    }

    /** The linker's hash of the content, in hexadecimal. */
    public String buildId() {
        return HexFormat.of().formatHex(buildId);
    }

    /** The number by which a running spawner names its build in PONG: the first eight bytes of the build id, little-endian. */
    public long buildNumber() {
        return ByteBuffer.wrap(buildId).order(ByteOrder.LITTLE_ENDIAN).getLong();
    }

    private static byte[] readBuildId(String resource, byte[] bytes) {
        ByteBuffer elf = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
        try {
            if (elf.getInt(0) == ELF_MAGIC) {
                int first = Math.toIntExact(elf.getLong(32));
                int size = elf.getShort(54);
                for (int i = 0; i < elf.getShort(56); i++) {
                    int header = first + i * size;
                    if (elf.getInt(header) == PT_NOTE) {
                        int offset = Math.toIntExact(elf.getLong(header + 8));
                        byte[] found =
                                searchNotes(elf, offset, Math.toIntExact(elf.getLong(header + 32)));
                        if (found.length >= Long.BYTES) {
                            return found;
                        }
                    }
                }
            }
        } catch (IndexOutOfBoundsException | BufferUnderflowException | ArithmeticException e) {
            throw new IllegalStateException(resource + " is a damaged ELF file", e);
        }
        throw new IllegalStateException(resource + " has no GNU build id note");
    }

    private static byte[] searchNotes(ByteBuffer elf, int offset, int size) {
        int at = offset;
        while (at + 12 <= offset + size) {
            int nameSize = elf.getInt(at);
            int contentSize = elf.getInt(at + 4);
            int content = at + 12 + (nameSize + 3 & ~3);
            byte[] name = new byte[nameSize];
            elf.get(at + 12, name);
            if (elf.getInt(at + 8) == NT_GNU_BUILD_ID
                    && new String(name, StandardCharsets.US_ASCII).equals("GNU\0")) {
                byte[] id = new byte[contentSize];
                elf.get(content, id);
                return id;
            }
            at = content + (contentSize + 3 & ~3);
        }
        return new byte[0];
    }
}
