package dev.berth.containerizer.launch;

import dev.berth.isolator.Phase;
import dev.berth.isolator.Section;
import dev.berth.linux.Errno;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * Collects the ops of a launch program: registers, forward jumps, labels. Thread: one.
 *
 * <p>Use: {@link #owner} says for whom, then {@code call(Call.OPENAT, "ptmx").register(dir).text("ptmx")…}.
 */
final class ProgramBuilder {
    /** A register's number is a byte in spirit: the shim has this many. */
    static final int MAX_REGISTERS = 256;

    private static final int MAX_SKIP = 255;

    private final Abi abi;
    private final ProgramData data = new ProgramData();
    private final Map<Section, List<Step>> steps = new EnumMap<>(Section.class);
    private final BitSet registers = new BitSet();
    private int registerCount;
    private String isolator = "";
    private String why = "";
    private Phase phase = Phase.PREPARE;

    ProgramBuilder(Abi abi) {
        this.abi = abi;
        for (Section section : Section.values()) {
            steps.put(section, new ArrayList<>());
        }
    }

    Abi abi() {
        return abi;
    }

    ProgramData data() {
        return data;
    }

    /** Whom the following ops belong to. */
    void owner(Phase phase, String isolator, String why) {
        this.phase = phase;
        this.isolator = isolator;
        this.why = why;
    }

    /** A free register. */
    int register() {
        int free = registers.nextClearBit(0);
        if (free >= MAX_REGISTERS) {
            throw new IllegalArgumentException(
                    "launch needs more than " + MAX_REGISTERS + " registers: use fewer mounts");
        }
        registers.set(free);
        registerCount = Math.max(registerCount, free + 1);
        return free;
    }

    /** A register that no earlier op has written: it holds −1. */
    int freshRegister() {
        if (registerCount >= MAX_REGISTERS) {
            throw new IllegalArgumentException(
                    "launch needs more than " + MAX_REGISTERS + " registers: use fewer mounts");
        }
        registers.set(registerCount);
        return registerCount++;
    }

    /** Gives a register back; what it held stays open until execve closes it. */
    void free(int register) {
        registers.clear(register);
    }

    int registerCount() {
        return registerCount;
    }

    /** A place that jumps may go to once {@link #here} was called. */
    Mark mark() {
        return new Mark();
    }

    /** The mark is before the next op of the current section. */
    void here(Mark mark) {
        mark.index = stepsOf(phase.section()).size();
    }

    /** A forward jump's target. */
    static final class Mark {
        private int index = -1;
    }

    Step call(Call call, String detail) {
        return step(ProgramOp.SYSCALL, call.number(abi), call.manName() + "(" + detail + ")");
    }

    Step special(int kind, String detail) {
        return step(kind, 0, detail);
    }

    private Step step(int kind, int nr, String detail) {
        Step step = new Step(kind, nr, data.nulSeparated(isolator + ": " + detail + '\0' + why));
        stepsOf(phase.section()).add(step);
        return step;
    }

    /** The finished ops of a section. */
    List<ProgramOp> ops(Section section) {
        List<Step> list = stepsOf(section);
        List<ProgramOp> ops = new ArrayList<>(list.size());
        for (int i = 0; i < list.size(); i++) {
            ops.add(list.get(i).finish(i));
        }
        return ops;
    }

    private List<Step> stepsOf(Section section) {
        return Objects.requireNonNull(
                steps.get(section), "every section has a list from the start");
    }

    int size(Section section) {
        return stepsOf(section).size();
    }

    /** One op in the making; its phase travels as the declared order, which PROTOCOL.md makes part of the format. */
    @SuppressWarnings("EnumOrdinal")
    final class Step {
        private final int kind;
        private final int nr;
        private final int label;
        private final int stepPhase = phase.ordinal();
        private final List<ProgramOp.Operand> operands = new ArrayList<>(ProgramOp.OPERANDS);
        private final List<ProgramOp.Action> actions = new ArrayList<>(2);
        private final List<Mark> marks = new ArrayList<>(2);
        private int out = -1;

        private Step(int kind, int nr, int label) {
            this.kind = kind;
            this.nr = nr;
            this.label = label;
        }

        Step imm(long value) {
            return operand(ProgramOp.Operand.IMMEDIATE, value);
        }

        Step register(int register) {
            return operand(ProgramOp.Operand.REGISTER, register);
        }

        /** The address of data at this offset. */
        Step data(int offset) {
            return operand(ProgramOp.Operand.DATA, offset);
        }

        Step text(String text) {
            return data(data.string(text));
        }

        Step out(int register) {
            out = register;
            return this;
        }

        Step ignore(Errno... errnos) {
            for (Errno errno : errnos) {
                action(errno.number(), ProgramOp.Action.IGNORE, null);
            }
            return this;
        }

        Step skip(Errno errno, Mark to) {
            return action(errno.number(), ProgramOp.Action.SKIP, to);
        }

        Step skipOnSuccess(Mark to) {
            return action(ProgramOp.Action.SUCCESS, ProgramOp.Action.SKIP, to);
        }

        Step ignoreErrors() {
            return action(ProgramOp.Action.ANY_ERROR, ProgramOp.Action.IGNORE, null);
        }

        private Step operand(int operandKind, long value) {
            if (operands.size() == ProgramOp.OPERANDS) {
                throw new IllegalStateException("a system call has at most six arguments");
            }
            operands.add(new ProgramOp.Operand(operandKind, value));
            return this;
        }

        private Step action(int errno, int act, @org.jspecify.annotations.Nullable Mark to) {
            if (actions.size() == ProgramOp.ACTIONS) {
                throw new IllegalStateException("an op has at most four actions");
            }
            actions.add(new ProgramOp.Action(errno, act, 0));
            marks.add(to == null ? new Mark() : to);
            return this;
        }

        private ProgramOp finish(int index) {
            List<ProgramOp.Action> done = new ArrayList<>(actions.size());
            for (int i = 0; i < actions.size(); i++) {
                ProgramOp.Action a = actions.get(i);
                int skip = 0;
                if (a.act() == ProgramOp.Action.SKIP) {
                    skip = marks.get(i).index - index - 1;
                    if (skip < 0 || skip > MAX_SKIP) {
                        throw new IllegalStateException("jump of " + skip + " ops");
                    }
                }
                done.add(new ProgramOp.Action(a.errno(), a.act(), skip));
            }
            return new ProgramOp(kind, stepPhase, label, nr, out, operands, done, 0, 0);
        }
    }
}
