package dev.berth.tests.root.escape;

import java.util.Optional;

/**
 * Something hostile.
 *
 * @param defence what it must be held by
 */
record Attack(String name, Defence defence, Attempt attempt) {
    /** One try on a fresh host. */
    @FunctionalInterface
    interface Attempt {
        /** What the attacker got that he must not have, as the host's state or his own eyes tell; empty when he got nothing. */
        Optional<String> on(EscapeHost host) throws Exception;
    }

    @Override
    public String toString() {
        return name + " (defence: " + defence + ")";
    }
}
