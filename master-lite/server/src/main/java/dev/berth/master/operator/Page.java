package dev.berth.master.operator;

/** Mesos's older read-only JSON pages, by path. */
public enum Page {
    /** {@code /state}: everything. */
    STATE,
    /** {@code /state-summary}: frameworks and agents with counts. */
    STATE_SUMMARY,
    /** {@code /slaves}. */
    SLAVES,
    /** {@code /tasks}. */
    TASKS,
    /** {@code /frameworks}. */
    FRAMEWORKS,
    /** {@code /roles}. */
    ROLES,
    /** {@code /metrics/snapshot}. */
    METRICS_SNAPSHOT,
    /** {@code /version}. */
    VERSION,
    /** {@code /flags}. */
    FLAGS,
    /** {@code /health}: an empty body. */
    HEALTH
}
