package dev.berth.gpu.ledger;

/** The steps between which the agent can die: tests die at each and recover. Each is named for what has just been done. */
public enum GrantStep {
    /** The journal has the grant; nobody was told. */
    GRANT_JOURNALED,
    /** The answer is ready to be acted on. */
    GRANTED,
    /** The journal has what the container holds after live attach. */
    ATTACH_JOURNALED,
    ATTACHED,
    /** The journal has what the container holds after live detach. */
    DETACH_JOURNALED,
    DETACHED,
    /** The journal no longer has the grant; its devices were not yet asked about. */
    RELEASE_JOURNALED,
    /** Verification of every device of the grant was asked for. */
    RELEASED,
    /** A device was found clean and is free. */
    CLEANED,
    /** A device was not clean and its reset was asked for. */
    RESET_ASKED,
    /** The journal has the quarantine. */
    QUARANTINE_JOURNALED,
    QUARANTINED,
    /** The journal has the end of a quarantine. */
    LIFT_JOURNALED,
    LIFTED,
    /** Recovery has journaled that a grant of a container that is gone is over: reached once for each. */
    LEFTOVER_JOURNALED,
    /** Recovery is complete. */
    RECOVERED
}
