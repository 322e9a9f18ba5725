package dev.berth.tests.witness;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** What a framework has to do and what came of it, told on standard output: one line for each thing it saw. One thread at a time. */
final class Work {
    /** Mesos: no further update can follow these. */
    private static final Set<String> TERMINAL =
            Set.of(
                    "TASK_FINISHED",
                    "TASK_FAILED",
                    "TASK_KILLED",
                    "TASK_ERROR",
                    "TASK_LOST",
                    "TASK_DROPPED",
                    "TASK_GONE");

    private final Map<String, Job> waiting = new LinkedHashMap<>();
    private final Map<String, String> launched = new LinkedHashMap<>();
    private final Map<String, String> ended = new HashMap<>();
    private final Set<String> seen = new HashSet<>();
    private int subscriptions;

    Work(List<Job> jobs) {
        jobs.forEach(job -> waiting.put(job.id(), job));
    }

    /** Prints one line. */
    static void say(String... words) {
        System.out.println(String.join(" ", words));
        System.out.flush();
    }

    void subscribed(String frameworkId, String master) {
        subscriptions++;
        say("subscribed", frameworkId, master);
    }

    /** Launched, and not known to have ended, with their agents: what a framework asks for after a change of master. */
    Map<String, String> open() {
        return Map.copyOf(launched);
    }

    /** Takes what fits into an offer. */
    List<Job> take(double cpus, double mem, double gpus, String agent) {
        List<Job> taken = new ArrayList<>();
        double cpusLeft = cpus;
        double memLeft = mem;
        double gpusLeft = gpus;
        for (Job job : List.copyOf(waiting.values())) {
            boolean due = !job.afterChange() || subscriptions > 1;
            if (due && cpusLeft >= Job.CPUS && memLeft >= Job.MEM_MB && gpusLeft >= job.gpus()) {
                cpusLeft -= Job.CPUS;
                memLeft -= Job.MEM_MB;
                gpusLeft -= job.gpus();
                waiting.remove(job.id());
                launched.put(job.id(), agent);
                taken.add(job);
                say("launched", job.id(), agent);
            }
        }
        return taken;
    }

    /**
     * Notes an update.
     *
     * @param uuid what tells updates apart; empty for an answer to a reconciliation
     * @param message what the agent says about it
     */
    void update(String task, String state, String uuid, String message) {
        if (uuid.isEmpty() && ended.containsKey(task)) {
            // Asked before it ended, or beside its acknowledgement: a master forgets a task that
            // has ended and was acknowledged, and then calls it lost.
            say("late", task, state);
            return;
        } else if (uuid.isEmpty()) {
            say("reconciled", task, state);
        } else if (seen.add(uuid)) {
            say("update", task, state, message);
        } else {
            say("again", task, state);
            return;
        }
        if (TERMINAL.contains(state) && !state.equals(ended.put(task, state))) {
            launched.remove(task);
            say("ended", task, state);
        }
    }

    boolean done() {
        return waiting.isEmpty() && launched.isEmpty();
    }
}
