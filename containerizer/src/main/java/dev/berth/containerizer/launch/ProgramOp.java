package dev.berth.containerizer.launch;

import java.util.List;

/**
 * One op of a launch program, as it is encoded (native-bindings/shim/PROTOCOL.md section 1).
 *
 * @param kind SYSCALL to CLOSE
 * @param label data offset of "isolator: detail", NUL, reason, NUL
 * @param out register, −1 none
 * @param relocFirst first register patch
 */
record ProgramOp(
        int kind,
        int phase,
        int label,
        int nr,
        int out,
        List<Operand> operands,
        List<Action> actions,
        int relocFirst,
        int relocCount) {
    static final int BYTES = 96;
    static final int OPERANDS = 6;
    static final int ACTIONS = 4;

    static final int SYSCALL = 0;
    static final int STAMP = 1;
    static final int CLONE = 2;
    static final int POST = 3;
    static final int WAIT = 4;
    static final int CHILD_FILE = 5;
    static final int INIT = 6;
    static final int CHILD_OPEN = 7;
    static final int CLOSE = 8;

    /** An argument. */
    record Operand(int kind, long value) {
        static final int IMMEDIATE = 0;
        static final int DATA = 1;
        static final int REGISTER = 2;
        static final Operand ZERO = new Operand(IMMEDIATE, 0);
    }

    /** What to do for an errno. */
    record Action(int errno, int act, int skip) {
        static final int SUCCESS = 0;
        static final int ANY_ERROR = 0xFFFF;
        static final int IGNORE = 1;
        static final int SKIP = 2;
    }
}
