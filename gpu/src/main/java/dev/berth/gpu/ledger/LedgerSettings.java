package dev.berth.gpu.ledger;

/**
 * How patient a ledger is.
 *
 * @param waitNs how long a request waits for devices that are being verified
 * @param looks how often a device that is not clean is looked at before a reset, and after one: memory of a killed process takes its time to come back
 * @param pauseNs between two looks
 * @param resets how many before quarantine
 * @param answerNs after which a look or a reset that was not answered is asked for again
 */
public record LedgerSettings(long waitNs, int looks, long pauseNs, int resets, long answerNs) {
    public static final LedgerSettings DEFAULT =
            new LedgerSettings(10_000_000_000L, 3, 250_000_000L, 2, 60_000_000_000L);

    public LedgerSettings {
        if (waitNs < 0 || looks < 1 || pauseNs < 1 || resets < 0 || answerNs < 1) {
            throw new IllegalArgumentException(
                    "wait " + waitNs + " ns, " + looks + " looks, " + resets + " resets");
        }
    }
}
