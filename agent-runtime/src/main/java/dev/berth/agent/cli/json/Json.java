package dev.berth.agent.cli.json;

import org.jspecify.annotations.Nullable;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A JSON value. Reading never fails: what is absent or of another type is {@link #NULL}, an empty text, 0 or an empty list, since a server may leave out what it does not know.
 */
public final class Json {
    /** {@code null}, and what an absent member reads as. */
    public static final Json NULL = new Json(null);

    private final @Nullable Object value;

    private Json(@Nullable Object value) {
        this.value = value;
    }

    public static Json of(String text) {
        return new Json(text);
    }

    public static Json of(long number) {
        return new Json(number);
    }

    public static Json of(double number) {
        return new Json(number);
    }

    public static Json of(boolean truth) {
        return new Json(truth);
    }

    public static Json of(List<Json> items) {
        return new Json(List.copyOf(items));
    }

    /** An array of texts. */
    public static Json texts(List<String> items) {
        List<Json> all = new ArrayList<>();
        for (String item : items) {
            all.add(of(item));
        }
        return of(all);
    }

    /** An object with members in the map's order. */
    public static Json of(Map<String, Json> members) {
        return new Json(new LinkedHashMap<>(members));
    }

    /** The member at the end of a path of names. */
    public Json at(String... path) {
        Json here = this;
        for (String name : path) {
            Json next = here.members().get(name);
            if (next == null) {
                return NULL;
            }
            here = next;
        }
        return here;
    }

    public boolean isNull() {
        return value == null;
    }

    public boolean isObject() {
        return value instanceof Map<?, ?>;
    }

    public boolean isArray() {
        return value instanceof List<?>;
    }

    /** A text as it is, a number or truth value as written, otherwise empty. */
    public String text() {
        return value == null || isObject() || isArray() ? "" : value.toString();
    }

    public String text(String otherwise) {
        String text = text();
        return text.isEmpty() ? otherwise : text;
    }

    public long number() {
        return value instanceof Number number ? number.longValue() : 0;
    }

    public double decimal() {
        return value instanceof Number number ? number.doubleValue() : 0;
    }

    public boolean truth() {
        return Boolean.TRUE.equals(value);
    }

    @SuppressWarnings("unchecked")
    public List<Json> items() {
        return value instanceof List<?> list ? (List<Json>) list : List.of();
    }

    /** All items as texts. */
    public List<String> texts() {
        List<String> all = new ArrayList<>();
        for (Json item : items()) {
            all.add(item.text());
        }
        return all;
    }

    @SuppressWarnings("unchecked")
    public Map<String, Json> members() {
        return value instanceof Map<?, ?> map ? (Map<String, Json>) map : Map.of();
    }

    /** Compact text. */
    @Override
    public String toString() {
        StringBuilder out = new StringBuilder();
        write(out, -1);
        return out.toString();
    }

    /** Text with four spaces per level, as docker prints inspections. */
    public String pretty() {
        StringBuilder out = new StringBuilder();
        write(out, 0);
        return out.toString();
    }

    private void write(StringBuilder out, int depth) {
        if (value instanceof String text) {
            quote(out, text);
        } else if (isArray()) {
            out.append('[');
            boolean first = true;
            for (Json item : items()) {
                separate(out, first, depth);
                item.write(out, deeper(depth));
                first = false;
            }
            close(out, first, depth, ']');
        } else if (isObject()) {
            out.append('{');
            boolean first = true;
            for (Map.Entry<String, Json> member : members().entrySet()) {
                separate(out, first, depth);
                quote(out, member.getKey());
                out.append(depth < 0 ? ":" : ": ");
                member.getValue().write(out, deeper(depth));
                first = false;
            }
            close(out, first, depth, '}');
        } else {
            out.append(value);
        }
    }

    private static int deeper(int depth) {
        return depth < 0 ? depth : depth + 1;
    }

    private static void separate(StringBuilder out, boolean first, int depth) {
        if (!first) {
            out.append(',');
        }
        if (depth >= 0) {
            out.append('\n').append("    ".repeat(depth + 1));
        }
    }

    private static void close(StringBuilder out, boolean empty, int depth, char bracket) {
        if (depth >= 0 && !empty) {
            out.append('\n').append("    ".repeat(depth));
        }
        out.append(bracket);
    }

    private static void quote(StringBuilder out, String text) {
        out.append('"');
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            switch (c) {
                case '"' -> out.append("\\\"");
                case '\\' -> out.append("\\\\");
                case '\n' -> out.append("\\n");
                case '\r' -> out.append("\\r");
                case '\t' -> out.append("\\t");
                default -> {
                    if (c < 0x20) {
                        out.append("\\u00")
                                .append(Character.forDigit(c >> 4, 16))
                                .append(Character.forDigit(c & 15, 16));
                    } else {
                        out.append(c);
                    }
                }
            }
        }
        out.append('"');
    }
}
