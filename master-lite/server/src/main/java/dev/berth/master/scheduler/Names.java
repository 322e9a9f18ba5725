package dev.berth.master.scheduler;

import java.util.Optional;

/** Mesos's rules for ids and roles. */
final class Names {
    private static final int LONGEST_ID = 255;

    private Names() {}

    /** What is wrong with an id that somebody else chose; empty when nothing is. */
    static Optional<String> id(String id) {
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

    /** What is wrong with a role; empty when nothing is. */
    static Optional<String> role(String role) {
        if (role.equals("*")) {
            return Optional.empty();
        }
        if (role.isEmpty()) {
            return Optional.of("empty role name");
        }
        for (String component : role.split("/", -1)) {
            if (component.isEmpty()) {
                return Optional.of(
                        "'" + role + "' starts or ends with a slash, or has two in a row");
            }
            if (component.equals(".") || component.equals("..") || component.equals("*")) {
                return Optional.of("'" + role + "' has '" + component + "' as a component");
            }
            if (component.startsWith("-")) {
                return Optional.of("'" + role + "' has a component that starts with a dash");
            }
            for (int i = 0; i < component.length(); i++) {
                char c = component.charAt(i);
                if (Character.isWhitespace(c) || c == '\b' || c == 0x0b) {
                    return Optional.of("'" + role + "' has whitespace or a backspace");
                }
            }
        }
        return Optional.empty();
    }
}
