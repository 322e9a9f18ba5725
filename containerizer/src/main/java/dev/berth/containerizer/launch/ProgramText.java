package dev.berth.containerizer.launch;

import dev.berth.containerizer.launch.ProgramOp.Action;
import dev.berth.isolator.Milestone;
import dev.berth.isolator.Namespace;
import dev.berth.isolator.Phase;
import dev.berth.isolator.Section;
import dev.berth.isolator.Slot;
import dev.berth.linux.Errno;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** Prints a decoded program: what will really be executed. Thread: one. */
final class ProgramText {
    private final LaunchProgram program;
    private final Abi abi;
    private final List<Slot> slots;
    private final ArgumentText arguments;
    private final StringBuilder out = new StringBuilder();

    ProgramText(LaunchProgram program, Abi abi) {
        this.program = program;
        this.abi = abi;
        this.slots = program.slots();
        this.arguments = new ArgumentText(program, abi, this::register);
    }

    String print() {
        header();
        section(Section.HOST);
        section(Section.CHILD);
        return out.toString();
    }

    private void header() {
        ProgramHeader h = program.header();
        boolean exec = (h.flags() & ProgramHeader.EXEC) != 0;
        out.append(exec ? "exec " : "container ").append(program.id()).append('\n');
        out.append("  descriptors: ");
        out.append(String.join(", ", slots.stream().map(Slot::name).toList())).append('\n');
        out.append("  clone3: ").append(cloneFlags(h.cloneFlags()));
        if (h.cgroup() >= 0) {
            out.append(" into ").append(register(h.cgroup()));
        }
        out.append('\n');
        out.append("  streams: ");
        if (program.terminal()) {
            out.append("a terminal, master in ").append(register(h.pty()));
            if (h.rows() > 0) {
                out.append(", ").append(h.rows()).append(" x ").append(h.columns());
            }
        } else {
            boolean open = (h.flags() & ProgramHeader.STDIN_OPEN) != 0;
            boolean given = h.stdin() < h.descriptors();
            out.append("stdin ").append(given ? "given" : open ? "a pipe" : "/dev/null");
            out.append(", stdout and stderr ");
            out.append(h.stdout() < h.descriptors() ? "given" : "pipes of the monitor");
        }
        out.append('\n');
        out.append("  log: ");
        if (h.logDir() < 0) {
            out.append("none");
        } else if (h.logMaxBytes() == 0) {
            out.append("kept whole");
        } else {
            out.append(h.logMaxFiles()).append(" files of ").append(h.logMaxBytes());
            out.append(" bytes");
        }
        out.append('\n');
        out.append("  the monitor kills the cgroup at the end: ");
        out.append((h.flags() & ProgramHeader.KILL_CGROUP) != 0 ? "yes" : "no").append('\n');
        out.append("  ops: ").append(program.ops(Section.HOST).size()).append(" on the host, ");
        out.append(program.ops(Section.CHILD).size()).append(" in the child\n");
    }

    private static String cloneFlags(long flags) {
        List<String> names = new ArrayList<>();
        for (Namespace n : Namespace.values()) {
            if ((flags & n.cloneFlag()) != 0) {
                names.add("new " + n.procName());
            }
        }
        return names.isEmpty() ? "no new namespace" : String.join(", ", names);
    }

    private void section(Section section) {
        String phase = "";
        String step = "";
        for (ProgramOp op : program.ops(section)) {
            String thisPhase = phase(op);
            if (!thisPhase.equals(phase)) {
                out.append('\n').append(section).append(' ').append(thisPhase).append('\n');
                phase = thisPhase;
                step = "";
            }
            String label = program.label(op);
            int colon = label.indexOf(": ");
            String thisStep =
                    (colon < 0 ? label : label.substring(0, colon)) + " (" + program.why(op) + ")";
            if (!thisStep.equals(step)) {
                out.append("  ").append(thisStep).append('\n');
                step = thisStep;
            }
            out.append("    ").append(op(op, label.substring(colon < 0 ? 0 : colon + 2)));
            out.append(actions(op)).append('\n');
        }
    }

    private static String phase(ProgramOp op) {
        Phase[] phases = Phase.values();
        return op.phase() >= 0 && op.phase() < phases.length
                ? phases[op.phase()].name()
                : "phase " + op.phase();
    }

    private String op(ProgramOp op, String detail) {
        long first = op.operands().isEmpty() ? 0 : op.operands().getFirst().value();
        String text =
                switch (op.kind()) {
                    case ProgramOp.SYSCALL -> call(op);
                    case ProgramOp.STAMP ->
                            "STAMP "
                                    + Milestone.of((int) first)
                                            .map(Milestone::label)
                                            .orElse(Long.toString(first));
                    case ProgramOp.CLONE -> "CLONE";
                    case ProgramOp.POST -> "POST " + first + " (" + detail + ")";
                    case ProgramOp.WAIT -> "WAIT " + first + " (" + detail + ")";
                    case ProgramOp.CHILD_FILE -> "CHILD_FILE " + detail;
                    case ProgramOp.CHILD_OPEN -> "CHILD_OPEN " + detail;
                    case ProgramOp.CLOSE ->
                            "CLOSE from " + first + " (all but the shim's own status socket)";
                    case ProgramOp.INIT -> "INIT: our own init stays as the first process";
                    default -> "kind " + op.kind();
                };
        return op.out() < 0 ? text : text + " -> " + register(op.out());
    }

    private String call(ProgramOp op) {
        return Call.of(op.nr(), abi)
                .map(call -> call.manName() + "(" + arguments.of(call, op) + ")")
                .orElseGet(() -> "syscall " + op.nr() + "(" + arguments.raw(op) + ")");
    }

    private String actions(ProgramOp op) {
        List<String> parts = new ArrayList<>();
        for (Action a : op.actions()) {
            String when =
                    switch (a.errno()) {
                        case Action.SUCCESS -> "done";
                        case Action.ANY_ERROR -> "any error";
                        default -> errno(a.errno());
                    };
            parts.add(
                    when
                            + (a.act() == Action.IGNORE || a.skip() == 0
                                    ? ": go on"
                                    : ": skip " + a.skip()));
        }
        return parts.isEmpty() ? "" : "   [" + String.join(", ", parts) + "]";
    }

    private static String errno(int number) {
        Errno e = Errno.of(number);
        return e == Errno.UNKNOWN ? "errno " + number : e.name().toUpperCase(Locale.ROOT);
    }

    /** A register by the name of its slot, of its role, or its number. */
    private String register(int number) {
        ProgramHeader h = program.header();
        if (number < slots.size()) {
            return slots.get(number).name();
        }
        if (number == h.pty()) {
            return "pty";
        }
        if (number == h.stdin()) {
            return program.terminal() ? "tty" : "stdin";
        }
        if (number == h.stdout()) {
            return "stdout";
        }
        return number == h.stderr() ? "stderr" : "r" + number;
    }
}
