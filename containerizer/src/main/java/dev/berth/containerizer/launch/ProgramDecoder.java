package dev.berth.containerizer.launch;

import dev.berth.containerizer.launch.ProgramOp.Action;
import dev.berth.containerizer.launch.ProgramOp.Operand;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Reads a launch program with the rules of PROTOCOL.md section 1, "Validation". Thread: one. */
final class ProgramDecoder {
    private static final int MAX_POINT = 31;
    private static final int FIRST_CLOSED = 3;
    private static final int MAX_DESCRIPTORS = 251;
    private static final long CLONE_NEW_ALL = 0x7E02_0080L;

    private final byte[] bytes;
    private final ByteBuffer b;
    private byte[] data = new byte[0];
    private int registers;

    ProgramDecoder(byte[] bytes) {
        this.bytes = bytes;
        this.b = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    }

    LaunchProgram decode() {
        check(bytes.length >= ProgramHeader.BYTES, "shorter than its header");
        check(bytes.length <= LaunchProgram.MAX_BYTES, "larger than 1 MiB");
        check(b.getInt(0) == ProgramHeader.MAGIC, "wrong magic");
        check(b.getShort(4) == ProgramHeader.VERSION, "unknown version " + b.getShort(4));
        check((b.getShort(6) & ~15) == 0, "unknown flags");
        check(b.getInt(8) == bytes.length, "total_size is not its size");
        int opOff = b.getInt(12);
        int hostCount = b.getInt(16);
        int childCount = b.getInt(20);
        check(hostCount >= 0 && childCount >= 0, "negative count of ops");
        long ops = (long) hostCount + childCount;
        long after = table("ops", opOff, ops, ProgramOp.BYTES, ProgramHeader.BYTES);
        int relocOff = b.getInt(24);
        int relocCount = b.getInt(28);
        after = table("relocations", relocOff, relocCount, LaunchProgram.RELOC_BYTES, after);
        int dataOff = b.getInt(32);
        int dataSize = b.getInt(36);
        table("data", dataOff, dataSize, 1, after);
        data = Arrays.copyOfRange(bytes, dataOff, dataOff + dataSize);
        ProgramHeader header = header();
        List<ProgramOp> host = new ArrayList<>();
        List<ProgramOp> child = new ArrayList<>();
        for (int i = 0; i < hostCount; i++) {
            host.add(op(opOff + ProgramOp.BYTES * i, hostCount - 1 - i, relocCount));
        }
        for (int i = 0; i < childCount; i++) {
            int at = opOff + ProgramOp.BYTES * (hostCount + i);
            child.add(op(at, childCount - 1 - i, relocCount));
        }
        kinds(host, child);
        return new LaunchProgram(header, host, child, pointers(relocOff, relocCount), data);
    }

    private ProgramHeader header() {
        registers = b.getInt(40);
        int descriptors = b.getInt(44);
        check(registers >= 0 && registers <= ProgramBuilder.MAX_REGISTERS, "reg_count");
        check(descriptors >= 0 && descriptors <= Math.min(registers, MAX_DESCRIPTORS), "fd_count");
        int[] roles = new int[7];
        for (int i = 0; i < roles.length; i++) {
            roles[i] = b.getInt(56 + 4 * i);
            check(
                    roles[i] >= -1 && roles[i] < registers,
                    "register of the header at " + (56 + 4 * i));
        }
        check(roles[2] >= 0 && roles[2] < descriptors, "run_dir_reg did not come with the program");
        check(roles[1] < descriptors, "log_dir_reg did not come with the program");
        check((roles[6] >= 0) == ((b.getShort(6) & ProgramHeader.TTY) != 0), "pty_reg and TTY");
        check(
                roles[0] >= 0 || (b.getShort(6) & ProgramHeader.KILL_CGROUP) == 0,
                "KILL_CGROUP without a cgroup");
        check((b.getLong(48) & ~CLONE_NEW_ALL) == 0, "clone flags");
        check(b.getInt(88) != 0, "log_max_files");
        for (int at = 92; at <= 100; at += 4) {
            name(b.getInt(at));
        }
        for (int i = 108; i < ProgramHeader.BYTES; i++) {
            check(bytes[i] == 0, "header byte " + i + " is not zero");
        }
        return new ProgramHeader(
                b.getShort(6),
                registers,
                descriptors,
                b.getLong(48),
                roles[0],
                roles[1],
                roles[2],
                roles[3],
                roles[4],
                roles[5],
                roles[6],
                b.getInt(84),
                b.getInt(88),
                b.getInt(92),
                b.getInt(96),
                b.getInt(100),
                Short.toUnsignedInt(b.getShort(104)),
                Short.toUnsignedInt(b.getShort(106)));
    }

    private ProgramOp op(int at, int following, int relocCount) {
        int kind = Short.toUnsignedInt(b.getShort(at));
        check(kind <= ProgramOp.CLOSE, "op kind " + kind);
        check(bytes[at + 3] == 0 && bytes[at + 71] == 0, "op padding");
        int label = b.getInt(at + 4);
        string(label);
        int out = b.getInt(at + 12);
        check(out >= -1 && out < registers, "out register " + out);
        List<Operand> operands = new ArrayList<>();
        for (int i = 0; i < ProgramOp.OPERANDS; i++) {
            int argumentKind = bytes[at + 64 + i];
            long value = b.getLong(at + 16 + 8 * i);
            switch (argumentKind) {
                case Operand.IMMEDIATE -> {}
                case Operand.DATA ->
                        check(value >= 0 && value <= data.length, "address outside the data");
                case Operand.REGISTER ->
                        check(value >= 0 && value < registers, "argument register " + value);
                default -> check(false, "argument kind " + argumentKind);
            }
            check(
                    argumentKind == Operand.IMMEDIATE || kind == ProgramOp.SYSCALL,
                    "argument kind of an op that is no system call");
            operands.add(new Operand(argumentKind, value));
        }
        while (!operands.isEmpty() && operands.getLast().equals(Operand.ZERO)) {
            operands.removeLast();
        }
        int first = b.getInt(at + 72);
        int count = b.getInt(at + 76);
        check(
                count >= 0 && first >= 0 && (long) first + count <= relocCount,
                "register patches outside the table");
        return new ProgramOp(
                kind,
                bytes[at + 2],
                label,
                b.getInt(at + 8),
                out,
                operands,
                actions(at, following),
                first,
                count);
    }

    private List<Action> actions(int at, int following) {
        int count = bytes[at + 70];
        check(count >= 0 && count <= ProgramOp.ACTIONS, "action_count");
        List<Action> actions = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            int act = bytes[at + 82 + 4 * i];
            int skip = Byte.toUnsignedInt(bytes[at + 83 + 4 * i]);
            check(act == Action.IGNORE || act == Action.SKIP, "action " + act);
            check(skip <= (act == Action.IGNORE ? 0 : following), "jump out of the section");
            actions.add(new Action(Short.toUnsignedInt(b.getShort(at + 80 + 4 * i)), act, skip));
        }
        return actions;
    }

    private void kinds(List<ProgramOp> host, List<ProgramOp> child) {
        int clone = -1;
        for (int i = 0; i < host.size(); i++) {
            ProgramOp op = host.get(i);
            if (op.kind() == ProgramOp.CLONE) {
                check(clone < 0, "a second CLONE");
                clone = i;
            }
            boolean beside =
                    switch (op.kind()) {
                        case ProgramOp.POST,
                                ProgramOp.WAIT,
                                ProgramOp.CHILD_FILE,
                                ProgramOp.CHILD_OPEN ->
                                true;
                        default -> false;
                    };
            check(
                    op.kind() != ProgramOp.INIT && op.kind() != ProgramOp.CLOSE,
                    "child op in the host section");
            check(!beside || clone >= 0, "an op before CLONE that needs the child");
            point(op);
        }
        check(clone >= 0, "no CLONE");
        for (int i = 0; i < clone; i++) {
            for (Action a : host.get(i).actions()) {
                check(i + a.skip() < clone, "jump across CLONE");
            }
        }
        for (ProgramOp op : child) {
            check(
                    op.kind() != ProgramOp.CLONE
                            && op.kind() != ProgramOp.CHILD_FILE
                            && op.kind() != ProgramOp.CHILD_OPEN,
                    "host op in the child section");
            check(
                    op.kind() != ProgramOp.CLOSE
                            || (first(op) >= FIRST_CLOSED && first(op) <= Integer.MAX_VALUE),
                    "CLOSE of standard streams");
            point(op);
        }
    }

    private static long first(ProgramOp op) {
        return op.operands().isEmpty() ? 0 : op.operands().getFirst().value();
    }

    private static void point(ProgramOp op) {
        if (op.kind() == ProgramOp.STAMP
                || op.kind() == ProgramOp.POST
                || op.kind() == ProgramOp.WAIT) {
            long value = first(op);
            check(value >= 0 && value <= MAX_POINT, "point or stamp " + value);
        }
    }

    private List<ProgramData.Pointer> pointers(int at, int count) {
        List<ProgramData.Pointer> pointers = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            int entry = at + LaunchProgram.RELOC_BYTES * i;
            int where = b.getInt(entry + 4);
            long value = b.getLong(entry + 8);
            check(b.getInt(entry) == 0, "register patches are not made by this version");
            check(where >= 0 && where <= data.length - 8, "relocated word outside the data");
            check(value >= 0 && value <= data.length, "relocation value outside the data");
            pointers.add(new ProgramData.Pointer(where, (int) value));
        }
        return pointers;
    }

    /** The tables follow each other, so that none overlaps another. Returns the end. */
    private long table(String what, int offset, long count, int size, long from) {
        check(count >= 0, "negative count of " + what);
        check(offset >= from && offset % 8 == 0, what + " not where they may be");
        check(offset + count * size <= bytes.length, what + " beyond the end");
        return offset + count * size;
    }

    private void name(int offset) {
        int end = string(offset);
        check(end > offset && end - offset <= ProgramHeader.NAME_MAX, "length of a name");
        check(data[offset] != '.', "a name that begins with a dot");
        for (int i = offset; i < end; i++) {
            check(data[i] != '/', "a slash in a name");
        }
    }

    /** The end of a NUL-terminated string. */
    private int string(int offset) {
        check(offset >= 0 && offset < data.length, "string outside the data");
        int end = offset;
        while (end < data.length && data[end] != 0) {
            end++;
        }
        check(end < data.length, "string without an end");
        return end;
    }

    private static void check(boolean good, String what) {
        if (!good) {
            throw new IllegalArgumentException("launch program: " + what);
        }
    }
}
