package dev.berth.isolator.seccomp;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** An interpreter of classic BPF as seccomp runs it, with the checks of the kernel's verifier (bpf_check_classic, seccomp_check_filter) that our programs could break. */
final class ClassicBpf {
    private final ByteBuffer code;
    private final int length;

    ClassicBpf(byte[] instructions) {
        code = ByteBuffer.wrap(instructions).order(ByteOrder.LITTLE_ENDIAN);
        length = instructions.length / 8;
        if (instructions.length % 8 != 0 || length == 0 || length > 4096) {
            throw new IllegalStateException("bad length " + instructions.length);
        }
        for (int pc = 0; pc < length; pc++) {
            int op = op(pc);
            int room = length - pc - 1;
            boolean fine =
                    switch (op) {
                        case 0x20 -> k(pc) >= 0 && k(pc) < 64 && k(pc) % 4 == 0;
                        case 0x05 -> Integer.compareUnsigned(k(pc), room) < 0;
                        case 0x15, 0x25, 0x35 -> jt(pc) < room && jf(pc) < room;
                        case 0x54, 0x06 -> true;
                        default -> false;
                    };
            if (!fine) {
                throw new IllegalStateException("the kernel would refuse instruction " + pc);
            }
        }
        if (op(length - 1) != 0x06) {
            throw new IllegalStateException("last instruction is not a return");
        }
    }

    private int op(int pc) {
        return code.getShort(pc * 8) & 0xffff;
    }

    private int jt(int pc) {
        return code.get(pc * 8 + 2) & 0xff;
    }

    private int jf(int pc) {
        return code.get(pc * 8 + 3) & 0xff;
    }

    private int k(int pc) {
        return code.getInt(pc * 8 + 4);
    }

    /** The SECCOMP_RET value for {@code struct seccomp_data}. */
    int run(int nr, int arch, long... args) {
        ByteBuffer data = ByteBuffer.allocate(64).order(ByteOrder.LITTLE_ENDIAN);
        data.putInt(nr).putInt(arch).putLong(0x7fff12345678L);
        for (long arg : args) {
            data.putLong(arg);
        }
        int a = 0;
        for (int pc = 0; ; pc++) {
            int k = k(pc);
            switch (op(pc)) {
                case 0x20 -> a = data.getInt(k);
                case 0x05 -> pc += k;
                case 0x15 -> pc += a == k ? jt(pc) : jf(pc);
                case 0x25 -> pc += Integer.compareUnsigned(a, k) > 0 ? jt(pc) : jf(pc);
                case 0x35 -> pc += Integer.compareUnsigned(a, k) >= 0 ? jt(pc) : jf(pc);
                case 0x54 -> a &= k;
                default -> {
                    return k;
                }
            }
        }
    }

    /** How many instructions a call costs. */
    int steps(int nr, int arch) {
        int a = 0;
        int steps = 0;
        for (int pc = 0; ; pc++) {
            steps++;
            int k = k(pc);
            switch (op(pc)) {
                case 0x20 -> a = k == 0 ? nr : k == 4 ? arch : 0;
                case 0x05 -> pc += k;
                case 0x15 -> pc += a == k ? jt(pc) : jf(pc);
                case 0x25 -> pc += Integer.compareUnsigned(a, k) > 0 ? jt(pc) : jf(pc);
                case 0x35 -> pc += Integer.compareUnsigned(a, k) >= 0 ? jt(pc) : jf(pc);
                case 0x54 -> a &= k;
                default -> {
                    return steps;
                }
            }
        }
    }
}
