package dev.berth.agent.cli.http;

import java.nio.charset.StandardCharsets;

/** Builds a request target. */
public final class Query {
    private final StringBuilder target;
    private char separator = '?';

    private Query(String path) {
        target = new StringBuilder(path);
    }

    /** A path whose parts are already safe. */
    public static Query of(String path) {
        return new Query(path);
    }

    /** Adds a parameter. */
    public Query with(String name, String value) {
        target.append(separator).append(name).append('=').append(encode(value));
        separator = '&';
        return this;
    }

    /** Adds a parameter unless its value is empty. */
    public Query withNonEmpty(String name, String value) {
        return value.isEmpty() ? this : with(name, value);
    }

    @Override
    public String toString() {
        return target.toString();
    }

    /** Percent-encodes everything but unreserved characters, slash and colon (both are legal in paths and queries, and in image names). */
    public static String encode(String text) {
        StringBuilder out = new StringBuilder(text.length() + 8);
        for (byte b : text.getBytes(StandardCharsets.UTF_8)) {
            int c = b & 0xff;
            if (c < 0x80 && (Character.isLetterOrDigit(c) || "-._~/:".indexOf(c) >= 0)) {
                out.append((char) c);
            } else {
                out.append('%')
                        .append(Character.toUpperCase(Character.forDigit(c >> 4, 16)))
                        .append(Character.toUpperCase(Character.forDigit(c & 15, 16)));
            }
        }
        return out.toString();
    }
}
