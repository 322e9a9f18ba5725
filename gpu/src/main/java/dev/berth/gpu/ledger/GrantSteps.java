package dev.berth.gpu.ledger;

/** Is told each step when it is done; tests die there. Thread: conductor. */
@FunctionalInterface
public interface GrantSteps {
    GrantSteps UNWATCHED = _ -> {};

    void reached(GrantStep step);
}
