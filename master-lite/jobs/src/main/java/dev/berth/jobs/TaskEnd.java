package dev.berth.jobs;

import dev.berth.protocol.v1.Protos.TaskState;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** What the last state of a task says about its end. Pure functions. */
final class TaskEnd {
    private static final Pattern STATUS = Pattern.compile("exited with status (\\d{1,3})");
    private static final Pattern SIGNAL = Pattern.compile("terminated with signal (\\d{1,3})");
    private static final int FAILED = 1;
    private static final int SIGNALLED = 128;

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

    /** The exit code of the command; Mesos tells it in the message only. */
    static int exitCode(TaskState state, String message) {
        if (state == TaskState.TASK_FINISHED) {
            return 0;
        }
        Matcher status = STATUS.matcher(message);
        if (status.find()) {
            int code = Integer.parseInt(status.group(1));
            return code > 0 && code < 256 ? code : FAILED;
        }
        Matcher signal = SIGNAL.matcher(message);
        return signal.find() ? SIGNALLED + Integer.parseInt(signal.group(1)) : FAILED;
    }
}
