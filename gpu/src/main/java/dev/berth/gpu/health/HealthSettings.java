package dev.berth.gpu.health;

/**
 * Figures of the policy. Times in nanoseconds.
 *
 * @param applicationFaults so many programs' faults within the window, from at least {@code distinctContainers} containers, speak against the device: it is drained and reset
 * @param windowNs how long a fault counts
 * @param incidentGapNs faults of one container that are nearer together count once: one crash says many XIDs
 * @param deviceFaults so many faults of the device's own within the window, and it is drained and reset
 * @param killHolders whether holders of a draining device are ended: at once when their work is lost, else after {@code drainNs}; otherwise they are told and nothing more
 * @param resetAttempts resets since the device was last healthy, before it is FAILED
 * @param resetNs a reset that did not end by then has failed
 * @param verifyNs a verification that did not end by then counts as no answer
 * @param recheckNs an idle device that is suspected of a fault is verified again so often
 * @param sourceGraceNs how long devices that were healthy and free are still given out while their whole source does not answer
 * @param quietNs equal signals that come within this time are one
 * @param otherSourceNs the same XID from NVML and from the kernel's log within this time is one
 * @param signalsPerSecond how many different signals without grave consequence are looked at per second and device; more are counted only
 */
public record HealthSettings(
        int applicationFaults,
        int distinctContainers,
        long windowNs,
        long incidentGapNs,
        int deviceFaults,
        boolean killHolders,
        long drainNs,
        int resetAttempts,
        long resetNs,
        long verifyNs,
        long recheckNs,
        long sourceGraceNs,
        long quietNs,
        long otherSourceNs,
        int signalsPerSecond) {
    private static final long SECOND = 1_000_000_000L;

    /** What an agent runs with that is not told otherwise. */
    public static final HealthSettings DEFAULT =
            new HealthSettings(
                    3,
                    2,
                    600 * SECOND,
                    10 * SECOND,
                    3,
                    false,
                    3600 * SECOND,
                    2,
                    120 * SECOND,
                    60 * SECOND,
                    30 * SECOND,
                    300 * SECOND,
                    SECOND,
                    2 * SECOND,
                    10);

    /** The same, but holders of a draining device are ended. */
    public HealthSettings killing(long afterNs) {
        return new HealthSettings(
                applicationFaults,
                distinctContainers,
                windowNs,
                incidentGapNs,
                deviceFaults,
                true,
                afterNs,
                resetAttempts,
                resetNs,
                verifyNs,
                recheckNs,
                sourceGraceNs,
                quietNs,
                otherSourceNs,
                signalsPerSecond);
    }
}
