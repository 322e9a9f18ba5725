package dev.berth.agent.conductor;

import java.util.Locale;

/** The states of a container; the table is in the package's description. */
public enum Status {
    CREATED,
    STARTING,
    RUNNING,
    PAUSED,
    RESTARTING,
    EXITED,
    REMOVING,
    DEAD;

    /** Docker's word: a container that is starting is still {@code created} to clients. */
    public String word() {
        return this == STARTING ? "created" : name().toLowerCase(Locale.ROOT);
    }

    /** Whether a process of it exists. */
    public boolean isAlive() {
        return this == RUNNING || this == PAUSED;
    }
}
