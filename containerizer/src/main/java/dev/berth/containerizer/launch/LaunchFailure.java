package dev.berth.containerizer.launch;

import dev.berth.isolator.Phase;
import dev.berth.isolator.Section;
import dev.berth.linux.Errno;

import java.util.Optional;

/**
 * Why a launch failed.
 *
 * @param code docker run's: 127 the program is not there, 126 it cannot be executed, 125 anything else
 * @param message {@code filesystem/root: move_mount(ROOT): EBUSY (Device or resource busy)}
 */
public record LaunchFailure(int code, String message) {
    private static final int ENGINE = 125;
    private static final int NOT_EXECUTABLE = 126;
    private static final int NOT_FOUND = 127;
    private static final int MOST_SHOWN = 256;

    /**
     * Explains a FAILED message.
     *
     * @param section 0 validation, 1 host, 2 child, 3 monitor
     * @param errno positive
     */
    static LaunchFailure of(LaunchProgram program, int section, int index, int errno) {
        Errno error = Errno.of(errno);
        String text = error == Errno.UNKNOWN ? "error " + errno : error.toString();
        return switch (section) {
            case 1 -> inSection(program, Section.HOST, index, error, text);
            case 2 -> inSection(program, Section.CHILD, index, error, text);
            case 0 -> new LaunchFailure(ENGINE, "the monitor refused the launch program: " + text);
            default -> new LaunchFailure(ENGINE, "the monitor failed: " + text);
        };
    }

    private static LaunchFailure inSection(
            LaunchProgram program, Section section, int index, Errno error, String text) {
        Optional<ProgramOp> found = program.op(section, index);
        if (found.isEmpty()) {
            return new LaunchFailure(
                    ENGINE,
                    "launch failed at op " + index + " of the " + section + " section: " + text);
        }
        ProgramOp op = found.get();
        Phase[] phases = Phase.values();
        boolean last = op.phase() < phases.length && phases[op.phase()] == Phase.EXEC;
        if (last && op.kind() == ProgramOp.SYSCALL) {
            return execute(program, op, error, text);
        }
        return new LaunchFailure(ENGINE, program.label(op) + ": " + text);
    }

    private static LaunchFailure execute(
            LaunchProgram program, ProgramOp op, Errno error, String text) {
        String name = shown(program.argument0(op));
        if (error == Errno.ENOENT || error == Errno.ENOTDIR) {
            return new LaunchFailure(
                    NOT_FOUND,
                    name.contains("/")
                            ? "exec: \""
                                    + name
                                    + "\": no such file or directory, or its interpreter is missing"
                            : "exec: \"" + name + "\": executable file not found in $PATH");
        }
        String what =
                switch (error) {
                    case EACCES -> "permission denied";
                    case ENOEXEC -> "exec format error";
                    default -> text;
                };
        return new LaunchFailure(NOT_EXECUTABLE, "exec: \"" + name + "\": " + what);
    }

    /** A name longer than any path is not repeated whole in each log and answer. */
    private static String shown(String name) {
        return name.length() <= MOST_SHOWN ? name : name.substring(0, MOST_SHOWN - 3) + "...";
    }
}
