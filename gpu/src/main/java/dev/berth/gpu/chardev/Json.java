package dev.berth.gpu.chardev;

import com.fasterxml.jackson.databind.JsonNode;

import dev.berth.gpu.DeviceException;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/** A place in a JSON text, which knows its name for errors. Thread: one. */
final class Json {
    private static final int MAX_CHARS = 256;

    private final JsonNode node;
    private final String where;

    Json(JsonNode node, String where) {
        this.node = node;
        this.where = where;
    }

    DeviceException error(String field, String problem) {
        String text =
                problem.length() <= 2 * MAX_CHARS
                        ? problem
                        : problem.substring(0, 2 * MAX_CHARS) + "…";
        return new DeviceException((field.isEmpty() ? where : where + ": " + field) + ": " + text);
    }

    /** It is an object and has no other fields. */
    void only(String... fields) throws DeviceException {
        if (!node.isObject()) {
            throw error("", "must be an object with " + String.join(", ", fields));
        }
        Set<String> known = Set.of(fields);
        for (String key : keys()) {
            if (!known.contains(key)) {
                throw error(
                        "", "unknown field '" + key + "'; there are " + String.join(", ", fields));
            }
        }
    }

    boolean has(String field) {
        return node.has(field);
    }

    boolean isText() {
        return node.isTextual();
    }

    List<String> keys() {
        List<String> keys = new ArrayList<>();
        node.fieldNames().forEachRemaining(keys::add);
        return keys;
    }

    Json object(String field) throws DeviceException {
        JsonNode value = node.path(field);
        if (!value.isObject()) {
            throw error(field, "must be an object");
        }
        return new Json(value, where + ": " + field);
    }

    List<Json> list(String field) throws DeviceException {
        if (!node.path(field).isArray()) {
            throw error(field, "must be a list");
        }
        return listOr(field);
    }

    /** The elements; none when the field is missing. */
    List<Json> listOr(String field) throws DeviceException {
        JsonNode value = node.path(field);
        if (value.isMissingNode()) {
            return List.of();
        }
        if (!value.isArray()) {
            throw error(field, "must be a list");
        }
        List<Json> elements = new ArrayList<>();
        for (JsonNode element : value) {
            elements.add(new Json(element, where + ": " + field + "[" + elements.size() + "]"));
        }
        return elements;
    }

    /** The value itself. */
    String text() throws DeviceException {
        return checked("", node);
    }

    String text(String field) throws DeviceException {
        return checked(field, node.path(field));
    }

    String textOr(String field, String otherwise) throws DeviceException {
        return node.has(field) ? text(field) : otherwise;
    }

    private String checked(String field, JsonNode value) throws DeviceException {
        if (!value.isTextual()) {
            throw error(field, value.isMissingNode() ? "is missing" : "must be text");
        }
        if (value.textValue().length() > MAX_CHARS) {
            throw error(field, "is longer than " + MAX_CHARS + " characters");
        }
        return value.textValue();
    }

    /** From 0 to {@code most}. */
    int number(String field, int most) throws DeviceException {
        JsonNode value = node.path(field);
        if (!value.isIntegralNumber()
                || !value.canConvertToInt()
                || value.intValue() < 0
                || value.intValue() > most) {
            throw error(
                    field,
                    value.isMissingNode() ? "is missing" : "must be a number from 0 to " + most);
        }
        return value.intValue();
    }
}
