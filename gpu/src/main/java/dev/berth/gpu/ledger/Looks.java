package dev.berth.gpu.ledger;

/**
 * Numbers the looks at one device, so that the answer to a look that was asked for before its last holder is not taken for one that was asked for after. Stays while the device comes and goes.
 */
final class Looks {
    private long asked;
    private long answered;
    private long first;

    /** Only answers to looks that are asked for from here on count. */
    void begin() {
        first = asked + 1;
    }

    void ask() {
        asked++;
    }

    /** One answer came; whether it counts. */
    boolean answered() {
        if (answered == asked) {
            return false;
        }
        answered++;
        return answered >= first;
    }

    /** What was not answered by now is lost. */
    void writeOff() {
        answered = asked;
    }
}
