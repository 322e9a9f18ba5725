package dev.berth.master.operator;

import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Which part of a page is asked for, by Mesos's parameters. What a page has no use for is passed over, and so is a number that is none.
 *
 * @param framework {@code framework_id}, for frameworks and tasks
 * @param agent {@code slave_id}, for agents
 * @param task {@code task_id}, for tasks
 * @param limit of tasks
 * @param offset of the first task
 * @param oldestFirst the order of tasks, by their first update
 */
public record PageQuery(
        Optional<String> framework,
        Optional<String> agent,
        Optional<String> task,
        int limit,
        int offset,
        boolean oldestFirst) {
    private static final int TASKS = 100;

    /** No parameters. */
    public static final PageQuery NONE = of(Map.of());

    /** From the parameters of a request. */
    public static PageQuery of(Map<String, List<String>> parameters) {
        return new PageQuery(
                first(parameters, "framework_id"),
                first(parameters, "slave_id"),
                first(parameters, "task_id"),
                first(parameters, "limit").map(text -> count(text, TASKS)).orElse(TASKS),
                first(parameters, "offset").map(text -> count(text, 0)).orElse(0),
                first(parameters, "order").filter("asc"::equals).isPresent());
    }

    private static Optional<String> first(Map<String, List<String>> parameters, String name) {
        return parameters.getOrDefault(name, List.of()).stream().findFirst();
    }

    private static int count(String text, int otherwise) {
        try {
            int count = Integer.parseInt(text);
            return count < 0 ? otherwise : count;
        } catch (NumberFormatException _) {
            return otherwise;
        }
    }

    private static boolean takes(Optional<String> asked, String id) {
        return asked.isEmpty() || asked.get().equals(id);
    }

    boolean takesFramework(String id) {
        return takes(framework, id);
    }

    boolean takesAgent(String id) {
        return takes(agent, id);
    }

    boolean takesTask(String id) {
        return takes(task, id);
    }
}
