package dev.berth.agent.tasks;

/** The steps of a task between which the agent can die: tests die at each and recover. Each is named for what has just been done. */
public enum TaskStep {
    /** The journal has a launch; nobody was told. */
    TASK_JOURNALED,
    /** The journal has an update, which may have to wait for its turn: reached once for each. */
    UPDATE_JOURNALED,
    /** The link was given an update: reached once for each time. */
    UPDATE_SENT,
    /** The sandbox is there. */
    SANDBOX_MADE,
    CREATE_ASKED,
    /** The container is there; a member of a group waits for the others. */
    CREATED,
    START_ASKED,
    /** The container runs; the journal does not know. */
    STARTED,
    /** The journal has a kill; nothing was signalled. */
    KILL_JOURNALED,
    SIGNAL_ASKED,
    /** The container has ended; its output may not be whole. */
    END_SEEN,
    OUTPUT_COPIED,
    REMOVAL_ASKED,
    /** The master was told that all tasks of a group have ended. */
    EXECUTOR_EXIT_SENT,
    /** The journal has an acknowledgement: reached once for each. */
    ACKNOWLEDGEMENT_JOURNALED,
    /** The journal no longer has the task. */
    DROPPED,
    /** The journal has changed facts of a framework. */
    FRAMEWORK_JOURNALED,
    /** The journal has the end of a framework; its tasks run. */
    FRAMEWORK_OVER_JOURNALED,
    /** The journal has the id that a master gave this agent. */
    AGENT_ID_KEPT,
    /** The master did not want this agent, and the journal has forgotten its id. */
    AGENT_ID_FORGOTTEN
}
