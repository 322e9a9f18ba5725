package dev.berth.isolator;

import java.util.Optional;

/** Points of a start whose time is taken: the shim's own (below 8) and those that a program stamps. The one place of their names. */
public enum Milestone {
    RECEIVED(0, "spawner received"),
    MONITOR(1, "monitor runs"),
    HOST_BEGIN(2, "host section begins"),
    CLONE_BEFORE(3, "before clone3"),
    CLONE_AFTER(4, "after clone3"),
    CHILD_BEGIN(5, "child begins"),
    EXECUTED(6, "executed"),
    PREPARED(8, "dev built"),
    NAMESPACES(9, "namespaces"),
    MOUNTS(10, "mounts"),
    PIVOT(11, "pivot"),
    SANDBOX(12, "sandbox");

    private final int index;
    private final String label;

    Milestone(int index, String label) {
        this.index = index;
        this.label = label;
    }

    /** Index in the stamp table, 0 to 31. */
    public int index() {
        return index;
    }

    public String label() {
        return label;
    }

    /** The milestone of a stamp table's index. */
    public static Optional<Milestone> of(int index) {
        for (Milestone m : values()) {
            if (m.index == index) {
                return Optional.of(m);
            }
        }
        return Optional.empty();
    }
}
