package dev.berth.containerizer;

/** The steps between which the agent can die: the kill -9 test dies at each and recovers. Each is named for what has just been done. */
public enum CrashPoint {
    /** The journal says that a start begins. */
    START_JOURNALED,
    /** The run directory and the log directory are there. */
    DIRECTORIES_MADE,
    /** The root is mounted, detached. */
    ROOT_MOUNTED,
    /** One isolator has acquired: reached once for each. */
    ISOLATOR_ACQUIRED,
    /** The program is encoded and sealed. */
    PROGRAM_SEALED,
    /** The spawner has it. */
    PROGRAM_SENT,
    /** The monitor said STARTED. */
    STARTED_RECEIVED,
    /** The journal has the process. */
    STARTED_JOURNALED,
    EXEC_JOURNALED,
    /** The isolators have acquired for the further process. */
    EXEC_ACQUIRED,
    EXEC_SENT,
    EXEC_STARTED,
    EXEC_EXITED,
    /** The monitor said EXITED, or its loss was found. */
    EXITED_RECEIVED,
    /** No process is left in the cgroup. */
    CGROUP_EMPTY,
    /** The root's descriptors are let go. */
    ROOT_RELEASED,
    /** Who asked for the container has heard of its end. */
    END_TOLD,
    /** One isolator has cleaned up: reached once for each. */
    ISOLATOR_CLEANED,
    /** The journal has the exit status; from here on the run directory is not needed. */
    END_JOURNALED,
    /** The run directory is gone. */
    RUN_DIRECTORY_REMOVED
}
