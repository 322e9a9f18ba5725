package dev.berth.containerizer.launch;

import dev.berth.isolator.IsolatorException;
import dev.berth.isolator.LaunchPlan;
import dev.berth.isolator.Section;
import dev.berth.isolator.Slot;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Predicate;

/**
 * A launch plan lowered to system calls: what a monitor executes. {@link #encode} gives the bytes that go into a sealed memfd, {@link #slots} the descriptors that go with them, in order.
 *
 * <p>Immutable. Source: native-bindings/shim/PROTOCOL.md section 1.
 */
public final class LaunchProgram {
    /** The spawner refuses larger ones. */
    public static final int MAX_BYTES = 1 << 20;

    /** One packet carries 253 descriptors: the program, the launch socket, and these; some registers must be left over. */
    public static final int MAX_SLOTS = 200;

    static final int RELOC_BYTES = 16;
    private static final int LOG_MAX_BYTES_AT = 84;
    private static final int LOG_MAX_FILES_AT = 88;

    private final ProgramHeader header;
    private final List<ProgramOp> host;
    private final List<ProgramOp> child;
    private final List<ProgramData.Pointer> pointers;
    private final byte[] data;

    LaunchProgram(
            ProgramHeader header,
            List<ProgramOp> host,
            List<ProgramOp> child,
            List<ProgramData.Pointer> pointers,
            byte[] data) {
        this.header = header;
        this.host = List.copyOf(host);
        this.child = List.copyOf(child);
        this.pointers = List.copyOf(pointers);
        this.data = data;
    }

    /**
     * Lowers a plan for this machine's architecture.
     *
     * @param isFile whether a slot's mount is not a directory (its mount point is then made as a file): {@code slots::isFile} once they are filled
     * @throws IsolatorException when it does not fit: more than {@link #MAX_BYTES} or {@link #MAX_SLOTS}, or a value that no system call takes
     */
    public static LaunchProgram lower(
            LaunchPlan plan, LaunchSettings settings, Predicate<Slot> isFile)
            throws IsolatorException {
        return lower(plan, settings, isFile, Abi.host());
    }

    /** As {@link #lower(LaunchPlan, LaunchSettings, Predicate)}, for any architecture. */
    public static LaunchProgram lower(
            LaunchPlan plan, LaunchSettings settings, Predicate<Slot> isFile, Abi abi)
            throws IsolatorException {
        try {
            LaunchProgram program = new Lowering(plan, settings, isFile, abi).lower();
            int size = program.layout().total();
            if (size > MAX_BYTES) {
                throw new IsolatorException(
                        "launch program of "
                                + size
                                + " bytes is larger than "
                                + MAX_BYTES
                                + ": use fewer mounts, or a smaller environment");
            }
            return program;
        } catch (IllegalArgumentException e) {
            throw new IsolatorException("plan of " + plan.id() + " cannot be lowered", e);
        }
    }

    /** The slots in the order in which their descriptors go with the program. */
    public List<Slot> slots() {
        List<Slot> slots = new ArrayList<>();
        int at = header.id();
        at += string(at).getBytes(StandardCharsets.UTF_8).length + 1;
        for (int i = 0; i < header.descriptors(); i++) {
            String name = string(at);
            slots.add(new Slot(name));
            at += name.getBytes(StandardCharsets.UTF_8).length + 1;
        }
        return slots;
    }

    /** The container's or exec's id. */
    public String id() {
        return string(header.id());
    }

    /** Whether the monitor makes a terminal's master. */
    public boolean terminal() {
        return (header.flags() & ProgramHeader.TTY) != 0;
    }

    ProgramHeader header() {
        return header;
    }

    List<ProgramOp> ops(Section section) {
        return section == Section.HOST ? host : child;
    }

    byte[] data() {
        return data;
    }

    List<ProgramData.Pointer> pointers() {
        return pointers;
    }

    /** The NUL-terminated string at a data offset; up to the end where the NUL is missing, empty where the offset is outside. */
    String string(int offset) {
        if (offset < 0 || offset >= data.length) {
            return "";
        }
        int end = offset;
        while (end < data.length && data[end] != 0) {
            end++;
        }
        return new String(data, offset, end - offset, StandardCharsets.UTF_8);
    }

    /** "isolator: detail" of an op. */
    String label(ProgramOp op) {
        return string(op.label());
    }

    /** The reason of an op. */
    String why(ProgramOp op) {
        return string(op.label() + label(op).getBytes(StandardCharsets.UTF_8).length + 1);
    }

    /** argv[0] of an execve. */
    String argument0(ProgramOp op) {
        if (op.operands().size() < 2) {
            return "";
        }
        List<String> argv = strings((int) op.operands().get(1).value());
        return argv.isEmpty() ? "" : argv.getFirst();
    }

    /** A NULL-terminated array of string pointers at a data offset. */
    List<String> strings(int offset) {
        Map<Integer, Integer> targets = new HashMap<>();
        for (ProgramData.Pointer p : pointers) {
            targets.put(p.at(), p.value());
        }
        List<String> all = new ArrayList<>();
        for (int at = offset; targets.containsKey(at); at += Long.BYTES) {
            all.add(string(targets.get(at)));
        }
        return all;
    }

    /** The op of a failure report. */
    Optional<ProgramOp> op(Section section, int index) {
        List<ProgramOp> ops = ops(section);
        return index >= 0 && index < ops.size() ? Optional.of(ops.get(index)) : Optional.empty();
    }

    private record Layout(int ops, int relocs, int data, int total) {}

    private Layout layout() {
        int relocs = ProgramHeader.BYTES + ProgramOp.BYTES * (host.size() + child.size());
        int dataAt = relocs + RELOC_BYTES * pointers.size();
        return new Layout(ProgramHeader.BYTES, relocs, dataAt, dataAt + data.length);
    }

    /** The bytes, as the spawner takes them. */
    public byte[] encode() {
        Layout layout = layout();
        ByteBuffer b = ByteBuffer.allocate(layout.total()).order(ByteOrder.LITTLE_ENDIAN);
        b.putInt(ProgramHeader.MAGIC);
        b.putShort((short) ProgramHeader.VERSION).putShort((short) header.flags());
        b.putInt(layout.total());
        b.putInt(layout.ops()).putInt(host.size()).putInt(child.size());
        b.putInt(layout.relocs()).putInt(pointers.size());
        b.putInt(layout.data()).putInt(data.length);
        b.putInt(header.registers()).putInt(header.descriptors());
        b.putLong(header.cloneFlags());
        b.putInt(header.cgroup()).putInt(header.logDir()).putInt(header.runDir());
        b.putInt(header.stdin()).putInt(header.stdout()).putInt(header.stderr());
        b.putInt(header.pty());
        b.putInt(header.logMaxBytes()).putInt(header.logMaxFiles());
        b.putInt(header.recordName()).putInt(header.socketName()).putInt(header.id());
        b.putShort((short) header.rows()).putShort((short) header.columns());
        b.position(layout.ops());
        host.forEach(op -> put(b, op));
        child.forEach(op -> put(b, op));
        for (ProgramData.Pointer p : pointers) {
            b.putInt(0).putInt(p.at()).putLong(p.value());
        }
        b.put(data);
        return b.array();
    }

    /** Changes the rotation of the log in encoded bytes: the one thing that is only known when a prepared launch is used. */
    public static void setLogLimits(byte[] encoded, int maxBytes, int maxFiles) {
        ByteBuffer.wrap(encoded)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putInt(LOG_MAX_BYTES_AT, maxBytes)
                .putInt(LOG_MAX_FILES_AT, maxFiles);
    }

    private static void put(ByteBuffer b, ProgramOp op) {
        int start = b.position();
        b.putShort((short) op.kind()).put((byte) op.phase()).put((byte) 0);
        b.putInt(op.label()).putInt(op.nr()).putInt(op.out());
        for (int i = 0; i < op.operands().size(); i++) {
            b.putLong(start + 16 + 8 * i, op.operands().get(i).value());
            b.put(start + 64 + i, (byte) op.operands().get(i).kind());
        }
        b.put(start + 70, (byte) op.actions().size());
        b.putInt(start + 72, op.relocFirst()).putInt(start + 76, op.relocCount());
        for (int i = 0; i < op.actions().size(); i++) {
            ProgramOp.Action a = op.actions().get(i);
            b.putShort(start + 80 + 4 * i, (short) a.errno());
            b.put(start + 82 + 4 * i, (byte) a.act());
            b.put(start + 83 + 4 * i, (byte) a.skip());
        }
        b.position(start + ProgramOp.BYTES);
    }

    /**
     * Reads bytes back, with all the checks that the shim makes.
     *
     * @throws IllegalArgumentException saying what is wrong with them
     */
    public static LaunchProgram decode(byte[] bytes) {
        return new ProgramDecoder(bytes).decode();
    }

    /** Both levels as text: each typed step with the isolator that asked for it and why, and the system calls that it becomes. */
    public String print() {
        return new ProgramText(this, Abi.host()).print();
    }

    String print(Abi abi) {
        return new ProgramText(this, abi).print();
    }

    /** What a failed op was, for people and for the exit code. */
    public LaunchFailure explain(int section, int index, int errno) {
        return LaunchFailure.of(this, section, index, errno);
    }
}
