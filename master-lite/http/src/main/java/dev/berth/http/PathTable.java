package dev.berth.http;

import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/**
 * What can be asked for, by path, with libprocess's rules: an optional first segment that names the process, slashes at the end, and unknown deeper paths that are served by their nearest known ancestor. Dots mean nothing.
 *
 * @param <T> what a path leads to
 */
public final class PathTable<T> {
    private final String process;
    private final Map<String, T> byPath = new HashMap<>();

    /**
     * What a path leads to.
     *
     * @param below it is a deeper path than the known one
     */
    public record Found<T>(T value, boolean below) {}

    /** @param process the optional first segment, with its slash */
    public PathTable(String process) {
        this.process = process;
    }

    public void add(String path, T value) {
        byPath.put(path, value);
    }

    /** The nearest that is known; {@code path} is without its query. */
    public Optional<Found<T>> find(String path) {
        String rest = withoutEndSlashes(path);
        if (rest.equals(process) || rest.startsWith(process + "/")) {
            rest = rest.substring(process.length());
        }
        String asked = rest;
        while (!rest.isEmpty()) {
            T found = byPath.get(rest);
            if (found != null) {
                return Optional.of(new Found<>(found, !rest.equals(asked)));
            }
            rest = withoutEndSlashes(rest.substring(0, rest.lastIndexOf('/')));
        }
        return Optional.empty();
    }

    private static String withoutEndSlashes(String path) {
        int end = path.length();
        while (end > 0 && path.charAt(end - 1) == '/') {
            end--;
        }
        String cut = path.substring(0, end);
        return cut.isEmpty() || cut.charAt(0) == '/' ? cut : "/" + cut;
    }

    /** Path and query of a request's target. Clients may name the whole address (RFC 9112, 3.2.2), and RxNetty does. */
    public static String target(String uri) {
        int authority = uri.startsWith("/") ? -1 : uri.indexOf("://");
        if (authority < 0) {
            return uri;
        }
        int end = authority + 3;
        while (end < uri.length() && uri.charAt(end) != '/' && uri.charAt(end) != '?') {
            end++;
        }
        String rest = uri.substring(end);
        return rest.startsWith("/") ? rest : "/" + rest;
    }
}
