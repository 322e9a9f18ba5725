package dev.berth.master.scheduler;

import java.nio.charset.StandardCharsets;
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
        // In bytes: it becomes the name of a directory.
        if (id.getBytes(StandardCharsets.UTF_8).length > LONGEST_ID) {
            return Optional.of("ID must not be longer than 255 bytes");
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
