package dev.berth.agent.config;

import com.fasterxml.jackson.databind.JsonNode;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Typed reading of a request's JSON object: an absent or null field is the empty value, a field of the wrong type is an error that names it.
 *
 * @param node the object, or a missing node
 * @param path its name for messages ("HostConfig")
 */
public record Fields(JsonNode node, String path) {
    public String text(String name) throws AgentException {
        JsonNode value = node.path(name);
        if (value.isMissingNode() || value.isNull()) {
            return "";
        }
        if (!value.isTextual()) {
            throw wrong(name, "a string");
        }
        return value.textValue();
    }

    public boolean flag(String name) throws AgentException {
        JsonNode value = node.path(name);
        if (value.isMissingNode() || value.isNull()) {
            return false;
        }
        if (!value.isBoolean()) {
            throw wrong(name, "true or false");
        }
        return value.booleanValue();
    }

    /** 0 when absent. */
    public long number(String name) throws AgentException {
        JsonNode value = node.path(name);
        if (value.isMissingNode() || value.isNull()) {
            return 0;
        }
        if (!value.isIntegralNumber() || !value.canConvertToLong()) {
            throw wrong(name, "a whole number");
        }
        return value.longValue();
    }

    public boolean has(String name) {
        JsonNode value = node.path(name);
        return !value.isMissingNode() && !value.isNull();
    }

    /** A string, or an array of strings, as Docker allows for Cmd and Entrypoint; empty Optional when absent or null. */
    public Optional<List<String>> words(String name) throws AgentException {
        JsonNode value = node.path(name);
        if (value.isMissingNode() || value.isNull()) {
            return Optional.empty();
        }
        if (value.isTextual()) {
            return Optional.of(
                    value.textValue().isEmpty() ? List.of() : List.of(value.textValue()));
        }
        return Optional.of(list(name));
    }

    public List<String> list(String name) throws AgentException {
        JsonNode value = node.path(name);
        if (value.isMissingNode() || value.isNull()) {
            return List.of();
        }
        if (!value.isArray()) {
            throw wrong(name, "an array of strings");
        }
        List<String> out = new ArrayList<>(value.size());
        for (JsonNode item : value) {
            if (!item.isTextual()) {
                throw wrong(name, "an array of strings");
            }
            out.add(item.textValue());
        }
        return out;
    }

    public Map<String, String> map(String name) throws AgentException {
        JsonNode value = node.path(name);
        if (value.isMissingNode() || value.isNull()) {
            return Map.of();
        }
        if (!value.isObject()) {
            throw wrong(name, "an object of strings");
        }
        Map<String, String> out = new LinkedHashMap<>();
        for (Map.Entry<String, JsonNode> entry : value.properties()) {
            if (!entry.getValue().isTextual()) {
                throw wrong(name + "." + entry.getKey(), "a string");
            }
            out.put(entry.getKey(), entry.getValue().textValue());
        }
        return out;
    }

    public Fields object(String name) throws AgentException {
        JsonNode value = node.path(name);
        if (!value.isMissingNode() && !value.isNull() && !value.isObject()) {
            throw wrong(name, "an object");
        }
        return new Fields(value, path + "." + name);
    }

    /** The objects of an array. */
    public List<Fields> objects(String name) throws AgentException {
        JsonNode value = node.path(name);
        if (value.isMissingNode() || value.isNull()) {
            return List.of();
        }
        if (!value.isArray()) {
            throw wrong(name, "an array of objects");
        }
        List<Fields> out = new ArrayList<>(value.size());
        for (int i = 0; i < value.size(); i++) {
            if (!value.get(i).isObject()) {
                throw wrong(name, "an array of objects");
            }
            out.add(new Fields(value.get(i), path + "." + name + "[" + i + "]"));
        }
        return out;
    }

    /** Whether a field holds anything at all beyond null, false, 0, "" and empty arrays and objects. */
    public static boolean isEmpty(JsonNode value) {
        return value.isMissingNode()
                || value.isNull()
                || (value.isBoolean() && !value.booleanValue())
                || (value.isNumber() && value.doubleValue() == 0)
                || (value.isTextual() && value.textValue().isEmpty())
                || (value.isContainerNode() && value.isEmpty());
    }

    AgentException wrong(String name, String want) {
        return AgentException.invalid(
                "invalid " + path + "." + name + ": want " + want + ", got " + node.path(name));
    }
}
