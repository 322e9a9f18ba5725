package dev.berth.tests.root.escape;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;

/** A launch program as bytes on their way to the spawner (native-bindings/shim/PROTOCOL.md section 1), with single calls of it changed. Anything else stays as it is. */
final class SentProgram {
    private static final int MAGIC = 0x48545242;
    private static final int OP_BYTES = 96;
    private static final int OPENAT2 = 437;
    private static final int CLOSE_RANGE = 436;
    private static final int CLOSE_RANGE_CLOEXEC = 4;
    private static final int SYSCALL = 0;
    private static final int CLOSE = 8;
    private static final int KILL_CGROUP = 8;

    private SentProgram() {}

    private interface Change {
        void op(ByteBuffer program, int at, int data);
    }

    /** {@code open_how.resolve} of every openat2 is 0. */
    static byte[] withNaiveLookups(byte[] bytes) {
        return changed(
                bytes,
                (program, at, data) -> {
                    if (program.getShort(at) == SYSCALL && program.getInt(at + 8) == OPENAT2) {
                        program.putLong(data + (int) program.getLong(at + 16 + 2 * 8) + 16, 0);
                    }
                });
    }

    /** What closes descriptors marks them CLOEXEC instead: they are there while execve looks the program up. */
    static byte[] withDescriptorsUntilExec(byte[] bytes) {
        return changed(
                bytes,
                (program, at, _) -> {
                    if (program.getShort(at) == CLOSE) {
                        program.putShort(at, (short) SYSCALL);
                        program.putInt(at + 8, CLOSE_RANGE);
                        program.putLong(at + 16 + 8, 0xFFFF_FFFFL);
                        program.putLong(at + 16 + 2 * 8, CLOSE_RANGE_CLOEXEC);
                    }
                });
    }

    /** The flag KILL_CGROUP is off. */
    static byte[] withoutCgroupKill(byte[] bytes) {
        byte[] copy = changed(bytes, (_, _, _) -> {});
        if (copy != bytes) {
            ByteBuffer program = ByteBuffer.wrap(copy).order(ByteOrder.LITTLE_ENDIAN);
            program.putShort(6, (short) (program.getShort(6) & ~KILL_CGROUP));
        }
        return copy;
    }

    private static byte[] changed(byte[] bytes, Change change) {
        ByteBuffer given = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
        if (bytes.length < 128 || given.getInt(0) != MAGIC) {
            return bytes;
        }
        byte[] copy = Arrays.copyOf(bytes, bytes.length);
        ByteBuffer program = ByteBuffer.wrap(copy).order(ByteOrder.LITTLE_ENDIAN);
        int ops = program.getInt(12);
        int count = program.getInt(16) + program.getInt(20);
        int data = program.getInt(32);
        for (int i = 0; i < count; i++) {
            change.op(program, ops + i * OP_BYTES, data);
        }
        return copy;
    }
}
