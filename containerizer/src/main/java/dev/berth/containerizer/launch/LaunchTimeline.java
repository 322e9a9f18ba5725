package dev.berth.containerizer.launch;

import java.util.List;

/** When each stage of a start was reached: CLOCK_MONOTONIC nanoseconds, in the order of the stages. */
public record LaunchTimeline(List<Stage> stages) {
    /** One stage. */
    public record Stage(String name, long atNs) {}
}
