package dev.berth.agent.cli.quickstart;

import dev.berth.jobs.Timeline;
import dev.berth.jobs.Timeline.Moment;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.OptionalLong;

/** What happened to a job, from its submission to its end, as bars on one scale. */
final class JobChart {
    private static final int BAR = 44;
    private static final String STATE = "TASK_";

    private JobChart() {}

    /**
     * Draws {@code warm}; {@code cold} is told beside it in numbers.
     *
     * @return lines of: what, milliseconds of the cold one, of the warm one, since the line before, bar
     */
    static String of(Timeline cold, Timeline warm) {
        List<Moment> moments = once(warm);
        double total = Math.max(1e-9, sinceFirst(moments, moments.getLast()));
        StringBuilder text = new StringBuilder();
        double before = 0;
        for (Moment moment : moments) {
            double at = sinceFirst(moments, moment);
            int from = (int) (before * BAR / total);
            int to = (int) (at * BAR / total);
            text.append(
                    String.format(
                            Locale.ROOT,
                            "  %-11s %9s %8.1f  %+7.1f  ",
                            name(moment),
                            inCold(cold, moment.what()),
                            at,
                            at - before));
            text.append(" ".repeat(from));
            text.append(
                    moment.equals(moments.getFirst()) ? "" : "█".repeat(Math.max(1, to - from)));
            text.append('\n');
            before = at;
        }
        return text.toString();
    }

    /** Until a task said that it runs. */
    static long nsUntilRunning(Timeline timeline) {
        return timeline.nsUntil(STATE + "RUNNING").orElse(Long.MAX_VALUE);
    }

    private static double sinceFirst(List<Moment> moments, Moment moment) {
        return (moment.atNs() - moments.getFirst().atNs()) / 1e6;
    }

    private static String name(Moment moment) {
        return moment.what().startsWith(STATE)
                ? moment.what().substring(STATE.length())
                : moment.what();
    }

    /** An offer may come in two parts: the first of each counts. */
    private static List<Moment> once(Timeline timeline) {
        List<Moment> once = new ArrayList<>();
        for (Moment moment : timeline.moments()) {
            if (once.stream().noneMatch(other -> other.what().equals(moment.what()))) {
                once.add(moment);
            }
        }
        return once;
    }

    private static String inCold(Timeline cold, String what) {
        OptionalLong ns = cold.nsUntil(what);
        return ns.isEmpty() ? "-" : String.format(Locale.ROOT, "%.1f", ns.getAsLong() / 1e6);
    }
}
