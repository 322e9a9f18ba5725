package dev.berth.agent.docker;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;

import dev.berth.agent.config.AgentException;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** The {@code filters} of a list: {@code {"name":["a"]}} or {@code {"name":{"a":true}}}. Values of one name are alternatives, names must all hold. */
record Filters(Map<String, List<String>> values) {
    static Filters parse(String text) throws AgentException {
        Map<String, List<String>> values = new LinkedHashMap<>();
        if (!text.isEmpty()) {
            JsonNode node;
            try {
                node = Exchange.JSON.readTree(text);
            } catch (JsonProcessingException _) {
                throw AgentException.invalid("invalid filters: " + text);
            }
            for (Map.Entry<String, JsonNode> entry : node.properties()) {
                List<String> list = new ArrayList<>();
                if (entry.getValue().isArray()) {
                    entry.getValue().forEach(value -> list.add(value.asText()));
                } else {
                    entry.getValue().properties().forEach(value -> list.add(value.getKey()));
                }
                values.put(entry.getKey(), list);
            }
        }
        return new Filters(values);
    }

    /** Refuses a filter that would be ignored. */
    Filters only(String... names) throws AgentException {
        for (String name : values.keySet()) {
            if (!Set.of(names).contains(name)) {
                throw AgentException.invalid("invalid filter '" + name + "'");
            }
        }
        return this;
    }

    boolean has(String name) {
        return !values.getOrDefault(name, List.of()).isEmpty();
    }

    List<String> of(String name) {
        return values.getOrDefault(name, List.of());
    }

    /** Whether the name is not filtered, or one of its values fits. */
    boolean fits(String name, java.util.function.Predicate<String> test) {
        return !has(name) || of(name).stream().anyMatch(test);
    }

    /** {@code label=key} or {@code label=key=value}; all must hold, as in Docker. */
    boolean labels(Map<String, String> labels) {
        for (String wanted : of("label")) {
            int equals = wanted.indexOf('=');
            String key = equals < 0 ? wanted : wanted.substring(0, equals);
            String value = labels.get(key);
            if (value == null || (equals >= 0 && !value.equals(wanted.substring(equals + 1)))) {
                return false;
            }
        }
        return true;
    }
}
