package dev.berth.containerizer.launch;

import dev.berth.containerizer.launch.ProgramOp.Operand;
import dev.berth.isolator.Capability;
import dev.berth.isolator.Namespace;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.IntFunction;

/** Arguments of system calls as text: flags by name, structs taken apart. Unknown bits stay visible as a number. Thread: one. */
final class ArgumentText {
    private record Flag(String name, long bits) {}

    private static final List<Flag> OPEN =
            List.of(
                    new Flag("O_PATH", Uapi.O_PATH),
                    new Flag("O_RDWR", Uapi.O_RDWR),
                    new Flag("O_WRONLY", Uapi.O_WRONLY),
                    new Flag("O_NOCTTY", Uapi.O_NOCTTY),
                    new Flag("O_CLOEXEC", Uapi.O_CLOEXEC));
    private static final List<Flag> RESOLVE =
            List.of(
                    new Flag("IN_ROOT", Uapi.RESOLVE_IN_ROOT),
                    new Flag("BENEATH", Uapi.RESOLVE_BENEATH),
                    new Flag("NO_XDEV", Uapi.RESOLVE_NO_XDEV),
                    new Flag("NO_MAGICLINKS", Uapi.RESOLVE_NO_MAGICLINKS),
                    new Flag("NO_SYMLINKS", Uapi.RESOLVE_NO_SYMLINKS));
    private static final List<Flag> TREE =
            List.of(
                    new Flag("CLONE", Uapi.OPEN_TREE_CLONE),
                    new Flag("CLOEXEC", Uapi.O_CLOEXEC),
                    new Flag("EMPTY_PATH", Uapi.AT_EMPTY_PATH),
                    new Flag("RECURSIVE", Uapi.AT_RECURSIVE));
    private static final List<Flag> MOVE =
            List.of(
                    new Flag("F_EMPTY_PATH", Uapi.MOVE_MOUNT_F_EMPTY_PATH),
                    new Flag("T_EMPTY_PATH", Uapi.MOVE_MOUNT_T_EMPTY_PATH));
    private static final List<Flag> ATTRIBUTES =
            List.of(
                    new Flag("ro", 1),
                    new Flag("nosuid", 2),
                    new Flag("nodev", 4),
                    new Flag("noexec", 8),
                    new Flag("noatime", 0x10),
                    new Flag("strictatime", 0x20),
                    new Flag("nodiratime", 0x80),
                    new Flag("nosymfollow", 0x20_0000));
    private static final List<Flag> PROPAGATION =
            List.of(
                    new Flag("private", Uapi.MS_PRIVATE),
                    new Flag("slave", Uapi.MS_SLAVE),
                    new Flag("shared", Uapi.MS_SHARED),
                    new Flag("unbindable", Uapi.MS_UNBINDABLE));
    private static final List<Flag> CLONE = new ArrayList<>();

    static {
        for (Namespace n : Namespace.values()) {
            CLONE.add(new Flag(n.procName(), n.cloneFlag()));
        }
    }

    private final LaunchProgram program;
    private final IntFunction<String> registers;
    private final ByteBuffer data;
    private final List<Flag> open = new ArrayList<>(OPEN);

    ArgumentText(LaunchProgram program, Abi abi, IntFunction<String> registers) {
        this.program = program;
        this.registers = registers;
        open.add(new Flag("O_DIRECTORY", abi.directory()));
        this.data = ByteBuffer.wrap(program.data()).order(ByteOrder.LITTLE_ENDIAN);
    }

    String of(Call call, ProgramOp op) {
        List<String> texts = new ArrayList<>();
        for (int i = 0; i < call.arguments().size(); i++) {
            Operand operand = i < op.operands().size() ? op.operands().get(i) : Operand.ZERO;
            texts.add(one(call.arguments().get(i), operand));
        }
        if (call == Call.PRCTL_) {
            prctl(op, texts);
        }
        return String.join(", ", texts);
    }

    /** Trailing zeros say nothing; a capability has a name. */
    private static void prctl(ProgramOp op, List<String> texts) {
        while (texts.size() > Math.max(1, op.operands().size())) {
            texts.removeLast();
        }
        if (texts.getFirst().equals("PR_CAPBSET_DROP")) {
            long number = op.operands().size() < 2 ? 0 : op.operands().get(1).value();
            texts.subList(1, texts.size()).clear();
            texts.add(
                    number >= 0 && number < Long.SIZE
                            ? Capability.nameOf((int) number)
                            : Long.toString(number));
        }
    }

    /** Arguments of a call that is not known here. */
    String raw(ProgramOp op) {
        List<String> texts = new ArrayList<>();
        for (Operand operand : op.operands()) {
            texts.add(one(Argument.INT, operand));
        }
        return String.join(", ", texts);
    }

    private String one(Argument argument, Operand operand) {
        if (operand.kind() == Operand.REGISTER) {
            return registers.apply((int) operand.value());
        }
        return operand.kind() == Operand.DATA
                ? address(argument, (int) operand.value())
                : immediate(argument, operand.value());
    }

    private String immediate(Argument argument, long value) {
        return switch (argument) {
            case FD -> value == Uapi.AT_FDCWD ? "AT_FDCWD" : Long.toString(value);
            case MODE -> mode(value);
            case DEVICE -> value == 0 ? "0" : major(value) + ":" + minor(value);
            case OPEN_FLAGS -> flags(open, value);
            case TREE_FLAGS -> flags(TREE, value);
            case MOVE_FLAGS -> flags(MOVE, value);
            case MOUNT_ATTRIBUTES -> flags(ATTRIBUTES, value);
            case CLONE_FLAGS -> flags(CLONE, value);
            case FSCONFIG ->
                    switch ((int) value) {
                        case Uapi.FSCONFIG_SET_FLAG -> "SET_FLAG";
                        case Uapi.FSCONFIG_SET_STRING -> "SET_STRING";
                        case Uapi.FSCONFIG_CMD_CREATE -> "CMD_CREATE";
                        default -> Long.toString(value);
                    };
            case IOCTL ->
                    switch ((int) value) {
                        case Uapi.TIOCSCTTY -> "TIOCSCTTY";
                        case Uapi.TIOCSPTLCK -> "TIOCSPTLCK";
                        case Uapi.TIOCGPTPEER -> "TIOCGPTPEER";
                        default -> "0x" + Long.toHexString(value);
                    };
            case PRCTL ->
                    switch ((int) value) {
                        case Uapi.PR_SET_KEEPCAPS -> "PR_SET_KEEPCAPS";
                        case Uapi.PR_CAPBSET_DROP -> "PR_CAPBSET_DROP";
                        case Uapi.PR_SET_NO_NEW_PRIVS -> "PR_SET_NO_NEW_PRIVS";
                        case Uapi.PR_CAP_AMBIENT -> "PR_CAP_AMBIENT";
                        default -> Long.toString(value);
                    };
            case STRING,
                    STRINGS,
                    ADDRESS,
                    OPEN_HOW,
                    MOUNT_ATTR_STRUCT,
                    RLIMIT,
                    CAPABILITIES,
                    FILTER ->
                    value == 0 ? "NULL" : "0x" + Long.toHexString(value);
            case INT, RESOURCE -> Long.toString(value);
        };
    }

    private String address(Argument argument, int at) {
        return switch (argument) {
            case STRING -> quoted(program.string(at));
            case STRINGS -> strings(at);
            case OPEN_HOW ->
                    has(at, 24)
                            ? "{"
                                    + flags(open, data.getLong(at))
                                    + ", "
                                    + flags(RESOLVE, data.getLong(at + 16))
                                    + "}"
                            : "?";
            case MOUNT_ATTR_STRUCT -> has(at, 32) ? attributes(at) : "?";
            case RLIMIT ->
                    has(at, 16)
                            ? "{"
                                    + limit(data.getLong(at))
                                    + ", "
                                    + limit(data.getLong(at + 8))
                                    + "}"
                            : "?";
            case CAPABILITIES ->
                    has(at, 24)
                            ? "{effective "
                                    + set(at)
                                    + ", permitted "
                                    + set(at + 4)
                                    + ", inheritable "
                                    + set(at + 8)
                                    + "}"
                            : "?";
            case FILTER ->
                    has(at, 16)
                            ? "{" + Short.toUnsignedInt(data.getShort(at)) + " instructions}"
                            : "?";
            default -> "&data";
        };
    }

    private boolean has(int at, int bytes) {
        return at >= 0 && at + bytes <= data.capacity();
    }

    private String attributes(int at) {
        List<String> parts = new ArrayList<>();
        if (data.getLong(at) != 0) {
            parts.add("set " + flags(ATTRIBUTES, data.getLong(at)));
        }
        if (data.getLong(at + 8) != 0) {
            parts.add("clear 0x" + Long.toHexString(data.getLong(at + 8)));
        }
        if (data.getLong(at + 16) != 0) {
            parts.add(flags(PROPAGATION, data.getLong(at + 16)));
        }
        return "{" + String.join(", ", parts) + "}";
    }

    private String set(int at) {
        long bits =
                Integer.toUnsignedLong(data.getInt(at))
                        | Integer.toUnsignedLong(data.getInt(at + 12)) << 32;
        return "0x" + Long.toHexString(bits);
    }

    private String strings(int at) {
        List<String> quoted = new ArrayList<>();
        for (String s : program.strings(at)) {
            quoted.add(quoted(s));
        }
        return "[" + String.join(", ", quoted) + "]";
    }

    private static String quoted(String text) {
        StringBuilder b = new StringBuilder("\"");
        text.chars()
                .forEach(c -> {
                    if (c == '"' || c == '\\') {
                        b.append('\\').append((char) c);
                    } else if (c < ' ' || c == 0x7f) {
                        b.append(String.format(Locale.ROOT, "\\x%02x", c));
                    } else {
                        b.append((char) c);
                    }
                });
        return b.append('"').toString();
    }

    private static String mode(long value) {
        String type =
                switch ((int) value & 0xF000) {
                    case Uapi.S_IFCHR -> "S_IFCHR|";
                    case Uapi.S_IFBLK -> "S_IFBLK|";
                    case Uapi.S_IFREG -> "S_IFREG|";
                    default -> "";
                };
        return type + "0" + Long.toOctalString(value & 0xFFF);
    }

    private static long major(long device) {
        return device >>> 8 & 0xfff;
    }

    private static long minor(long device) {
        return (device & 0xff) | (device >>> 12 & 0xfff00);
    }

    private static String limit(long value) {
        return value == -1 ? "unlimited" : Long.toUnsignedString(value);
    }

    private static String flags(List<Flag> known, long value) {
        List<String> names = new ArrayList<>();
        long rest = value;
        for (Flag f : known) {
            if ((rest & f.bits) == f.bits) {
                names.add(f.name);
                rest &= ~f.bits;
            }
        }
        if (rest != 0 || names.isEmpty()) {
            names.add(rest == 0 ? "0" : "0x" + Long.toHexString(rest));
        }
        return String.join("|", names);
    }
}
