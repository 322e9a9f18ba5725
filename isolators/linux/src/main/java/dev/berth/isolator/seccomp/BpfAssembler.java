package dev.berth.isolator.seccomp;

import dev.berth.isolator.IsolatorException;
import dev.berth.isolator.seccomp.SeccompProfile.Condition;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;

/**
 * Classic BPF blocks, built from their end to their beginning because jumps only go forward. A block is code that always ends in a return.
 *
 * <p>Source: linux/filter.h, linux/bpf_common.h; offsets of {@code struct seccomp_data} in linux/seccomp.h.
 */
final class BpfAssembler {
    /** {@code BPF_MAXINSNS}. */
    static final int MAX_INSTRUCTIONS = 4096;

    static final int OFFSET_NR = 0;
    static final int OFFSET_ARCH = 4;

    private static final int LD_W_ABS = 0x20;
    private static final int JMP_JA = 0x05;
    private static final int JMP_JEQ_K = 0x15;
    private static final int JMP_JGT_K = 0x25;
    private static final int JMP_JGE_K = 0x35;
    private static final int ALU_AND_K = 0x54;
    private static final int RET_K = 0x06;

    private BpfAssembler() {}

    /** Instructions, each packed as code &lt;&lt; 48 | jt &lt;&lt; 40 | jf &lt;&lt; 32 | k. */
    @SuppressWarnings("ArrayRecordComponent") // never compared
    record Block(long[] code) {
        int length() {
            return code.length;
        }

        Block then(Block next) {
            long[] joined = java.util.Arrays.copyOf(code, code.length + next.code.length);
            System.arraycopy(next.code, 0, joined, code.length, next.code.length);
            return new Block(joined);
        }
    }

    static Block ret(int action) {
        return new Block(new long[] {instruction(RET_K, 0, 0, action)});
    }

    static Block load(int offset) {
        return new Block(new long[] {instruction(LD_W_ABS, 0, 0, offset)});
    }

    /** {@code if (A == k) yes else no}. */
    static Block ifEqual(int k, Block yes, Block no) {
        return branch(JMP_JEQ_K, k, yes, no);
    }

    /** {@code if (A >= k, unsigned) yes else no}. */
    static Block ifAtLeast(int k, Block yes, Block no) {
        return branch(JMP_JGE_K, k, yes, no);
    }

    /** Conditional jumps reach 255 instructions; beyond that an unconditional one, which reaches 2^32, stands between. */
    private static Block branch(int code, int k, Block yes, Block no) {
        Block test =
                no.length() <= 255
                        ? new Block(new long[] {instruction(code, no.length(), 0, k)})
                        : new Block(
                                new long[] {
                                    instruction(code, 0, 1, k),
                                    instruction(JMP_JA, 0, 0, no.length())
                                });
        return test.then(no).then(yes);
    }

    /**
     * {@code if (all conditions hold) return action else next}.
     *
     * @throws IsolatorException when a rule has more conditions than a jump can cross
     */
    static Block rule(List<Condition> conditions, int action, Block next) throws IsolatorException {
        // Every test of a condition jumps, when it fails, to the first instruction of next.
        Block block = ret(action);
        for (Condition condition : conditions.reversed()) {
            block = test(condition, block.length()).then(block);
            if (block.length() > 250) {
                throw new IsolatorException(
                        "seccomp: a rule has " + conditions.size() + " arguments: too many");
            }
        }
        return block.then(next);
    }

    /** Falls through when the condition holds, else jumps over {@code rest} more instructions. */
    private static Block test(Condition condition, int rest) {
        int low = 16 + condition.index() * 8;
        int high = low + 4;
        int valueLow = (int) condition.value();
        int valueHigh = (int) (condition.value() >>> 32);
        return switch (condition.operator()) {
            case EQ ->
                    new Block(
                            new long[] {
                                instruction(LD_W_ABS, 0, 0, high),
                                instruction(JMP_JEQ_K, 0, 2 + rest, valueHigh),
                                instruction(LD_W_ABS, 0, 0, low),
                                instruction(JMP_JEQ_K, 0, rest, valueLow),
                            });
            case NE ->
                    new Block(
                            new long[] {
                                instruction(LD_W_ABS, 0, 0, high),
                                instruction(JMP_JEQ_K, 0, 2, valueHigh),
                                instruction(LD_W_ABS, 0, 0, low),
                                instruction(JMP_JEQ_K, rest, 0, valueLow),
                            });
            case GT -> ordered(high, valueHigh, low, JMP_JGT_K, valueLow, true, rest);
            case GE -> ordered(high, valueHigh, low, JMP_JGE_K, valueLow, true, rest);
            case LT -> ordered(high, valueHigh, low, JMP_JGE_K, valueLow, false, rest);
            case LE -> ordered(high, valueHigh, low, JMP_JGT_K, valueLow, false, rest);
            case MASKED_EQ ->
                    new Block(
                            new long[] {
                                instruction(LD_W_ABS, 0, 0, high),
                                instruction(ALU_AND_K, 0, 0, valueHigh),
                                instruction(
                                        JMP_JEQ_K,
                                        0,
                                        3 + rest,
                                        (int) (condition.valueTwo() >>> 32)),
                                instruction(LD_W_ABS, 0, 0, low),
                                instruction(ALU_AND_K, 0, 0, valueLow),
                                instruction(JMP_JEQ_K, 0, rest, (int) condition.valueTwo()),
                            });
        };
    }

    /** The high words decide unless they are equal; then the low words do. {@code greater} says which answer means that the condition holds. */
    private static Block ordered(
            int high,
            int valueHigh,
            int low,
            int lowTest,
            int valueLow,
            boolean greater,
            int rest) {
        int whenGreater = greater ? 3 : 3 + rest;
        int whenSmaller = greater ? 2 + rest : 2;
        return new Block(
                new long[] {
                    instruction(LD_W_ABS, 0, 0, high),
                    instruction(JMP_JGT_K, whenGreater, 0, valueHigh),
                    instruction(JMP_JEQ_K, 0, whenSmaller, valueHigh),
                    instruction(LD_W_ABS, 0, 0, low),
                    greater
                            ? instruction(lowTest, 0, rest, valueLow)
                            : instruction(lowTest, rest, 0, valueLow),
                });
    }

    private static long instruction(int code, int jt, int jf, int k) {
        if (jt > 255 || jf > 255) {
            throw new IllegalStateException("conditional jump out of reach: " + jt + ", " + jf);
        }
        return (long) code << 48 | (long) jt << 40 | (long) jf << 32 | (k & 0xffffffffL);
    }

    /** {@code struct sock_filter} {u16 code, u8 jt, u8 jf, u32 k}. */
    static byte[] encode(Block program) throws IsolatorException {
        if (program.length() > MAX_INSTRUCTIONS) {
            throw new IsolatorException(
                    "seccomp: filter has "
                            + program.length()
                            + " instructions, the kernel takes "
                            + MAX_INSTRUCTIONS);
        }
        ByteBuffer bytes = ByteBuffer.allocate(program.length() * 8).order(ByteOrder.LITTLE_ENDIAN);
        for (long instruction : program.code()) {
            bytes.putShort((short) (instruction >>> 48))
                    .put((byte) (instruction >>> 40))
                    .put((byte) (instruction >>> 32))
                    .putInt((int) instruction);
        }
        return bytes.array();
    }
}
