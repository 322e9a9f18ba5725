package dev.berth.isolator.cgroup2.devices;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** An interpreter for the instructions that device programs use, with the verifier's rules that could be broken: forward jumps only, no read of an unset register. */
final class EbpfInterpreter {
    private EbpfInterpreter() {}

    static boolean allows(byte[] program, int type, int access, int major, int minor) {
        ByteBuffer code = ByteBuffer.wrap(program).order(ByteOrder.LITTLE_ENDIAN);
        int length = program.length / 8;
        int[] context = {access << 16 | type, major, minor};
        long[] r = new long[11];
        boolean[] set = new boolean[11];
        set[1] = true;
        boolean contextInR1 = true;
        for (int pc = 0; pc < length; pc++) {
            int op = code.get(pc * 8) & 0xff;
            int dst = code.get(pc * 8 + 1) & 0xf;
            int src = code.get(pc * 8 + 1) >> 4 & 0xf;
            int off = code.getShort(pc * 8 + 2);
            int imm = code.getInt(pc * 8 + 4);
            boolean jump = op == 0x15 || op == 0x55;
            if (off < 0 || jump && pc + 1 + off >= length) {
                throw new IllegalStateException("jump out of the program at " + pc);
            }
            if (op == 0xbf && !set[src]
                    || (jump || op == 0x54 || op == 0x57 || op == 0x77) && !set[dst]) {
                throw new IllegalStateException("unset register at " + pc);
            }
            switch (op) {
                case 0x61 -> {
                    if (src != 1 || !contextInR1) {
                        throw new IllegalStateException("load from what is not the context");
                    }
                    r[dst] = context[off / 4] & 0xffffffffL;
                }
                case 0xb7 -> r[dst] = imm;
                case 0xbf -> r[dst] = r[src];
                case 0x54 -> r[dst] = r[dst] & imm & 0xffffffffL;
                case 0x57 -> r[dst] &= imm;
                case 0x77 -> r[dst] >>>= imm;
                case 0x15 -> pc += r[dst] == imm ? off : 0;
                case 0x55 -> pc += r[dst] != imm ? off : 0;
                case 0x95 -> {
                    return r[0] != 0;
                }
                default -> throw new IllegalStateException("instruction " + op + " at " + pc);
            }
            if (!jump) {
                set[dst] = true;
                contextInR1 &= dst != 1;
            }
        }
        throw new IllegalStateException("fell off the end");
    }
}
