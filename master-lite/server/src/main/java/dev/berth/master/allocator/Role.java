package dev.berth.master.allocator;

import java.util.Optional;

/**
 * A role: {@code *}, or a path of names such as {@code eng/frontend}.
 *
 * @param path the path; see {@link #problem}
 */
public record Role(String path) implements Comparable<Role> {
    /** The role of whoever says none. */
    public static final Role DEFAULT = new Role("*");

    /** In characters. Mesos has no limit; but every part of a path is a node of a tree, and each is named by its whole path. */
    private static final int LONGEST = 1024;

    /**
     * @throws IllegalArgumentException if {@link #problem} names one
     */
    public Role {
        Optional<String> problem = problem(path);
        if (problem.isPresent()) {
            throw new IllegalArgumentException("role '" + path + "' " + problem.get());
        }
    }

    /** What keeps {@code path} from being a role, if anything. Source: Mesos docs/roles.md "Invalid role names". */
    public static Optional<String> problem(String path) {
        if (path.equals("*")) {
            return Optional.empty();
        }
        if (path.isEmpty()) {
            return Optional.of("is empty");
        }
        if (path.length() > LONGEST) {
            return Optional.of("is longer than " + LONGEST + " characters");
        }
        for (int i = 0; i < path.length(); i++) {
            char c = path.charAt(i);
            if (c == ' ' || (c >= '\b' && c <= '\r') || c == 0x7f) {
                return Optional.of("contains a space, a control character or a backspace");
            }
        }
        for (String name : path.split("/", -1)) {
            if (name.isEmpty()) {
                return Optional.of("starts or ends with a slash or has two in a row");
            }
            if (name.equals(".") || name.equals("..") || name.equals("*")) {
                return Optional.of("has '" + name + "' as a part");
            }
            if (name.startsWith("-")) {
                return Optional.of("has a part that starts with '-'");
            }
        }
        return Optional.empty();
    }

    @Override
    public int compareTo(Role other) {
        return path.compareTo(other.path);
    }

    @Override
    public String toString() {
        return path;
    }
}
