package dev.berth.agent.cli.view;

import dev.berth.isolator.Capability;

import java.util.ArrayList;
import java.util.List;

/** Capability sets by name. */
public final class Capabilities {
    private static final String PREFIX = "CAP_";

    private Capabilities() {}

    /** Names without {@code CAP_} of a bit set; a bit without a name is its number. */
    public static List<String> names(long set) {
        List<String> names = new ArrayList<>();
        for (int bit = 0; bit < Long.SIZE; bit++) {
            if ((set >>> bit & 1) != 0) {
                names.add(Capability.nameOf(bit).substring(PREFIX.length()));
            }
        }
        return names;
    }
}
