package dev.berth.master.scheduler;

import java.util.Optional;

/** Mesos's rules for ids. */
public final class Names {
    private static final int LONGEST_ID = 255;

    private Names() {}

    /** What is wrong with an id that somebody else chose; empty when nothing is. */
    public static Optional<String> id(String id) {
        if (id.isEmpty()) {
            return Optional.of("ID must not be empty");
        }
        if (id.length() > LONGEST_ID) {
            return Optional.of("ID must not be longer than 255 characters");
        }
        if (id.equals(".") || id.equals("..")) {
            return Optional.of("'" + id + "' is disallowed");
        }
        for (int i = 0; i < id.length(); i++) {
            char c = id.charAt(i);
            if (Character.isISOControl(c) || c == '/' || c == '\\') {
                return Optional.of(
                        "'" + id.replaceAll("\\p{Cntrl}", "?") + "' contains invalid characters");
            }
        }
        return Optional.empty();
    }
}
