package dev.berth.jobs;

import dev.berth.protocol.v1.Protos.TaskState;
import dev.berth.protocol.v1.Protos.TaskStatus;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** What the last state of a task says about its end. Pure functions. */
final class TaskEnd {
    private static final Pattern STATUS = Pattern.compile("exited with status (\\d{1,3})");
    private static final Pattern SIGNAL = Pattern.compile("terminated with signal (\\d{1,3})");
    private static final int FAILED = 1;
    private static final int SIGNALLED = 128;

    /** As timeout(1) has it. */
    private static final int OUT_OF_TIME = 124;

    // As docker run has them.
    private static final int NOT_STARTED = 125;
    private static final int NOT_EXECUTABLE = 126;
    private static final int NOT_FOUND = 127;

    private TaskEnd() {}

    /** Nothing more comes of it. An unreachable one may come back. */
    static boolean isEnd(TaskState state) {
        return switch (state) {
            case TASK_FINISHED,
                    TASK_FAILED,
                    TASK_KILLED,
                    TASK_ERROR,
                    TASK_LOST,
                    TASK_DROPPED,
                    TASK_GONE,
                    TASK_GONE_BY_OPERATOR,
                    TASK_UNKNOWN ->
                    true;
            default -> false;
        };
    }

    /** It never ran, and the next try may do better: its offers were gone, or its agent was. */
    static boolean isWorthAnotherTry(TaskState state) {
        return switch (state) {
            case TASK_DROPPED, TASK_LOST, TASK_GONE, TASK_GONE_BY_OPERATOR, TASK_UNKNOWN -> true;
            default -> false;
        };
    }

    /** The exit code of the command; Mesos tells it in the message only. What never ran has those of {@code docker run}. */
    static int exitCode(TaskStatus last) {
        if (last.getState() == TaskState.TASK_FINISHED) {
            return 0;
        }
        if (isBeforeStart(last)) {
            return notStarted(last.getMessage());
        }
        if (last.getReason() == TaskStatus.Reason.REASON_MAX_COMPLETION_TIME_REACHED) {
            return OUT_OF_TIME;
        }
        if (last.getState() == TaskState.TASK_UNREACHABLE || isWorthAnotherTry(last.getState())) {
            // How the command ended, nobody knows: it is the cluster that failed.
            return NOT_STARTED;
        }
        Matcher status = STATUS.matcher(last.getMessage());
        if (status.find()) {
            int code = Integer.parseInt(status.group(1));
            return code > 0 && code < 256 ? code : FAILED;
        }
        Matcher signal = SIGNAL.matcher(last.getMessage());
        return signal.find() ? SIGNALLED + Integer.parseInt(signal.group(1)) : FAILED;
    }

    private static boolean isBeforeStart(TaskStatus last) {
        return last.getState() == TaskState.TASK_ERROR
                || last.getReason() == TaskStatus.Reason.REASON_CONTAINER_LAUNCH_FAILED;
    }

    private static int notStarted(String message) {
        if (message.contains("executable file not found")
                || message.contains("no such file or directory")) {
            return NOT_FOUND;
        }
        return message.contains("permission denied") || message.contains("exec format error")
                ? NOT_EXECUTABLE
                : NOT_STARTED;
    }
}
