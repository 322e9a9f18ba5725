package dev.berth.master.cluster;

import dev.berth.master.resources.Resources;
import dev.berth.protocol.v1.Protos.TaskState;

import org.jspecify.annotations.Nullable;

import java.util.Arrays;
import java.util.List;

/** Sums over all agents, tasks and executors, kept as these change: nobody walks them to tell a number. */
public final class Tally {
    /** The amounts that are told. */
    public static final List<String> AMOUNTS = List.of("cpus", "mem", "disk", "gpus");

    private static final int STATES =
            1
                    + Arrays.stream(TaskState.values())
                            .mapToInt(TaskState::getNumber)
                            .max()
                            .orElseThrow();

    private final long[] live;
    private final long[] total;
    private final long[] used;
    private long unreachable;
    private long agents;
    private long connected;
    private long active;

    Tally() {
        live = new long[STATES];
        total = new long[AMOUNTS.size()];
        used = new long[AMOUNTS.size()];
    }

    private Tally(Tally now) {
        live = now.live.clone();
        total = now.total.clone();
        used = now.used.clone();
        unreachable = now.unreachable;
        agents = now.agents;
        connected = now.connected;
        active = now.active;
    }

    /** As it is now, for any thread. */
    Tally copy() {
        return new Tally(this);
    }

    /** Tasks that their agents have, in one state. */
    public long live(TaskState state) {
        return live[state.getNumber()];
    }

    /** Tasks that are kept since their agents may come back with them. */
    public long unreachable() {
        return unreachable;
    }

    public long agents() {
        return agents;
    }

    /** Agents whose links stand. */
    public long connected() {
        return connected;
    }

    /** Agents that can be told something, and are to stay. */
    public long active() {
        return active;
    }

    /**
     * What all agents have, in thousandths.
     *
     * @param amount of {@link #AMOUNTS}
     */
    public long totalMillis(String amount) {
        return total[AMOUNTS.indexOf(amount)];
    }

    /**
     * What tasks and executors hold, in thousandths.
     *
     * @param amount of {@link #AMOUNTS}
     */
    public long usedMillis(String amount) {
        return used[AMOUNTS.indexOf(amount)];
    }

    private static void add(long[] sums, Resources resources, int sign) {
        for (int i = 0; i < sums.length; i++) {
            sums[i] += sign * resources.millis(AMOUNTS.get(i));
        }
    }

    void task(@Nullable TaskFacts before, @Nullable TaskFacts after) {
        if (before != null) {
            count(before, -1);
        }
        if (after != null) {
            count(after, 1);
        }
        // A status update moves no amounts, and comes often.
        if (isHolding(before) != isHolding(after)) {
            add(used, held(before), -1);
            add(used, held(after), 1);
        }
    }

    private static boolean isHolding(@Nullable TaskFacts task) {
        return task != null && task.isHolding();
    }

    private static Resources held(@Nullable TaskFacts task) {
        return task != null && task.isHolding() ? task.resources() : Resources.EMPTY;
    }

    private void count(TaskFacts task, int sign) {
        switch (task.place()) {
            case LIVE -> live[task.state().getNumber()] += sign;
            case UNREACHABLE -> unreachable += sign;
            case COMPLETED -> {}
        }
    }

    void executor(@Nullable ExecutorFacts before, @Nullable ExecutorFacts after) {
        if (before != null) {
            add(used, before.use().resources(), -1);
        }
        if (after != null) {
            add(used, after.use().resources(), 1);
        }
    }

    void agent(@Nullable AgentFacts before, @Nullable AgentFacts after) {
        if (before != null) {
            count(before, -1);
        }
        if (after != null) {
            count(after, 1);
        }
    }

    private void count(AgentFacts agent, int sign) {
        add(total, agent.total(), sign);
        agents += sign;
        connected += agent.connected() ? sign : 0;
        active += agent.active() ? sign : 0;
    }
}
