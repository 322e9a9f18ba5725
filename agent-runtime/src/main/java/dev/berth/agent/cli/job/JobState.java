package dev.berth.agent.cli.job;

import dev.berth.protocol.v1.Protos.Task;
import dev.berth.protocol.v1.Protos.TaskState;
import dev.berth.protocol.v1.master.Protos.Response.GetFrameworks;
import dev.berth.protocol.v1.master.Protos.Response.GetTasks;

import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;

/** How a job stands, in a word or two. Pure functions. */
final class JobState {
    /** The worst comes first: one worker that failed ends the others. */
    private static final List<TaskState> WORST_FIRST =
            List.of(
                    TaskState.TASK_ERROR,
                    TaskState.TASK_FAILED,
                    TaskState.TASK_LOST,
                    TaskState.TASK_GONE,
                    TaskState.TASK_GONE_BY_OPERATOR,
                    TaskState.TASK_DROPPED,
                    TaskState.TASK_UNREACHABLE,
                    TaskState.TASK_KILLED,
                    TaskState.TASK_FINISHED);

    private JobState() {}

    /** {@code waiting}, {@code 2 running, 1 starting}, {@code failed}; with {@code disconnected} where its command line is gone. */
    static String of(GetFrameworks.Framework job, GetTasks all) {
        List<Task> tasks = JobInspectVerb.tasks(all, job.getFrameworkInfo().getId());
        Map<TaskState, Integer> counts = new EnumMap<>(TaskState.class);
        tasks.forEach(task -> counts.merge(task.getState(), 1, Integer::sum));
        if (job.hasUnregisteredTime()) {
            return WORST_FIRST.stream()
                    .filter(counts::containsKey)
                    .findFirst()
                    .map(JobState::word)
                    .orElse("ended");
        }
        String now =
                tasks.isEmpty()
                        ? "waiting"
                        : tasks.size() == 1
                                ? word(tasks.getFirst().getState())
                                : counts.entrySet().stream()
                                        .map(state -> state.getValue() + " " + word(state.getKey()))
                                        .collect(Collectors.joining(", "));
        return job.getConnected() ? now : now + ", disconnected";
    }

    private static String word(TaskState state) {
        return state.name().substring("TASK_".length()).toLowerCase(Locale.ROOT).replace('_', ' ');
    }
}
