package dev.berth.tests.witness;

import java.util.List;

/**
 * One task that a framework wants run, with the host's programs.
 *
 * @param id its task id
 * @param script for the shell; {@code /witness} is a directory that all tasks and the test share
 * @param gpus how many
 * @param afterChange launched only in the framework's second subscription
 */
record Job(String id, String script, double gpus, boolean afterChange) {
    static final double CPUS = 0.1;
    static final double MEM_MB = 32;
    static final String SHARED = "/witness";

    /** The same work for every framework: tasks that end before, during and after a change of master, one that fails, one with a GPU. */
    static List<Job> all(String prefix) {
        return List.of(
                job(prefix + "-quick", "true", false),
                job(prefix + "-fails", "exit 3", false),
                new Job(
                        prefix + "-gpu",
                        begun("ls -1 /dev/nvidia[0-9]* > /witness/devices-" + prefix + "; ")
                                + until("go"),
                        1,
                        false),
                job(prefix + "-long-1", until("go"), false),
                job(prefix + "-long-2", until("go"), false),
                // Ends while no master is there to hear of it.
                job(prefix + "-during", until("down"), false),
                job(prefix + "-late-1", "true", true),
                job(prefix + "-late-2", until("go"), true));
    }

    private static Job job(String id, String script, boolean afterChange) {
        return new Job(id, begun("") + script, 0, afterChange);
    }

    /** One line in a file of its own for every time that it is started. */
    private static String begun(String more) {
        return "echo begun >> /witness/$MESOS_TASK_ID; " + more;
    }

    private static String until(String file) {
        return "while [ ! -e /witness/" + file + " ]; do sleep 0.05; done";
    }
}
