package dev.berth.isolator;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * A path below a root that somebody else controls. It is only ever resolved by {@code openat2(RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS)} against a descriptor of that root, never by string in the host's view.
 *
 * <p>Cleaned lexically: no empty, {@code .} or {@code ..} component, no trailing slash.
 */
public record SafePath(String value) {
    private static final int PATH_MAX = 4096;
    private static final int NAME_MAX = 255;

    public SafePath {
        if (!value.startsWith("/")) {
            throw new IllegalArgumentException(
                    "path inside the container must be absolute: " + shown(value));
        }
        if (value.indexOf('\0') >= 0) {
            throw new IllegalArgumentException(
                    "path inside the container holds a NUL: " + shown(value.replace('\0', '?')));
        }
        List<String> names = new ArrayList<>();
        for (String name : value.split("/")) {
            if (name.equals("..")) {
                if (!names.isEmpty()) {
                    names.removeLast();
                }
            } else if (!name.isEmpty() && !name.equals(".")) {
                if (name.getBytes(StandardCharsets.UTF_8).length > NAME_MAX) {
                    throw new IllegalArgumentException(
                            "path inside the container has a name of more than "
                                    + NAME_MAX
                                    + " bytes: "
                                    + shown(value));
                }
                names.add(name);
            }
        }
        value = "/" + String.join("/", names);
        if (value.getBytes(StandardCharsets.UTF_8).length >= PATH_MAX) {
            throw new IllegalArgumentException(
                    "path inside the container is longer than "
                            + (PATH_MAX - 1)
                            + " bytes: "
                            + shown(value));
        }
    }

    /** Without the leading slash; {@code .} for the root itself. */
    public String relative() {
        return value.equals("/") ? "." : value.substring(1);
    }

    public List<String> names() {
        return value.equals("/") ? List.of() : List.of(value.substring(1).split("/"));
    }

    /** Whether it is {@code other} or below it. */
    public boolean within(SafePath other) {
        return other.value.equals("/")
                || value.equals(other.value)
                || value.startsWith(other.value + "/");
    }

    private static String shown(String value) {
        return value.length() <= 80 ? value : value.substring(0, 77) + "...";
    }

    @Override
    public String toString() {
        return value;
    }
}
