package dev.berth.agent;

import dev.berth.agent.tasks.TaskView;
import dev.berth.protocol.v1.Protos.Resource;

import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.function.Predicate;

/** What an agent's tasks are in Mesos's metrics. Names that cannot count here are there with nothing: collectors that miss one name of a group drop the group. */
final class TaskMetrics {
    private static final List<String> STATES =
            List.of(
                    "staging",
                    "starting",
                    "running",
                    "killing",
                    "finished",
                    "failed",
                    "killed",
                    "error",
                    "lost",
                    "gone");

    private TaskMetrics() {}

    /** @param all what the agent offers in all */
    static Map<String, Double> of(List<TaskView> tasks, List<Resource> all) {
        Map<String, Double> out = new TreeMap<>();
        STATES.forEach(state -> out.put("slave/tasks_" + state, 0.0));
        for (TaskView view : tasks) {
            String state = view.task().getState().name().substring(5).toLowerCase(Locale.ROOT);
            out.merge("slave/tasks_" + state, 1.0, Double::sum);
        }
        executors(out, tasks);
        for (Resource resource : all) {
            if (resource.hasScalar()) {
                amounts(out, tasks, resource);
            }
        }
        return out;
    }

    /** A command has an executor by its own name, as on the pages and in updates, and no process for it that could register or linger. */
    private static void executors(Map<String, Double> out, List<TaskView> tasks) {
        Predicate<TaskView> live = view -> !view.terminal();
        Function<TaskView, String> framework = view -> view.task().getFrameworkId().getValue();
        // No id has a slash.
        Function<TaskView, String> executor =
                view -> framework.apply(view) + "/" + view.executorId();
        double every = distinct(tasks, _ -> true, executor);
        double running = distinct(tasks, live, executor);
        out.put("slave/frameworks_active", distinct(tasks, live, framework));
        out.put("slave/executors_registering", 0.0);
        out.put("slave/executors_running", running);
        out.put("slave/executors_terminating", 0.0);
        out.put("slave/executors_terminated", every - running);
        out.put("slave/executors_preempted", 0.0);
    }

    private static double distinct(
            List<TaskView> tasks, Predicate<TaskView> which, Function<TaskView, String> name) {
        return tasks.stream().filter(which).map(name).distinct().count();
    }

    private static void amounts(Map<String, Double> out, List<TaskView> tasks, Resource resource) {
        String name = "slave/" + resource.getName();
        double total = resource.getScalar().getValue();
        double used = 0;
        for (TaskView view : tasks) {
            if (!view.terminal()) {
                used += used(view, resource.getName());
            }
        }
        out.put(name + "_total", total);
        out.put(name + "_used", used);
        out.put(name + "_percent", total > 0 ? used / total : 0);
        out.put(name + "_revocable_total", 0.0);
        out.put(name + "_revocable_used", 0.0);
        out.put(name + "_revocable_percent", 0.0);
    }

    private static double used(TaskView view, String name) {
        double sum = 0;
        for (Resource resource : view.info().getResourcesList()) {
            if (resource.getName().equals(name)) {
                sum += resource.getScalar().getValue();
            }
        }
        return sum;
    }
}
