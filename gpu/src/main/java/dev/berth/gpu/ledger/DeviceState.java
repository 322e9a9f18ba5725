package dev.berth.gpu.ledger;

/** Where a device is between two holders; {@code package-info} has the transitions. */
public enum DeviceState {
    /** Clean, nobody's. Given out only while it is also usable. */
    FREE,
    GRANTED,
    /** Nobody's, and not yet found clean. */
    VERIFYING,
    /** Not given out until an operator says so. */
    QUARANTINED
}
