package dev.berth.jobs;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.OptionalLong;

/** When what happened to a job, seen from where it was submitted. One thread. */
public final class Timeline {
    /** Something happened: {@code atNs} on the monotonic clock. */
    public record Moment(String what, long atNs) {}

    private final List<Moment> moments = new ArrayList<>();

    void mark(String what, long nowNs) {
        moments.add(new Moment(what, nowNs));
    }

    /** Nanoseconds from the first moment to the first of this name. */
    public OptionalLong nsUntil(String what) {
        return moments.stream()
                .filter(moment -> moment.what().equals(what))
                .mapToLong(moment -> moment.atNs() - moments.getFirst().atNs())
                .findFirst();
    }

    /** What has happened so far, in order. */
    public List<Moment> moments() {
        return List.copyOf(moments);
    }

    /** A line for each moment: milliseconds since the first, and since the one before. */
    @Override
    public String toString() {
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < moments.size(); i++) {
            Moment moment = moments.get(i);
            long first = moments.getFirst().atNs();
            long before = i == 0 ? first : moments.get(i - 1).atNs();
            text.append(
                    String.format(
                            Locale.ROOT,
                            "%10.1f ms  +%.1f ms  %s%n",
                            (moment.atNs() - first) / 1e6,
                            (moment.atNs() - before) / 1e6,
                            moment.what()));
        }
        return text.toString();
    }
}
