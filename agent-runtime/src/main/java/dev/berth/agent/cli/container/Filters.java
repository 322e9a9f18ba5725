package dev.berth.agent.cli.container;

import dev.berth.agent.cli.args.UsageException;
import dev.berth.agent.cli.json.Json;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** {@code --filter KEY=VALUE} as the API wants it. */
final class Filters {
    private Filters() {}

    /** An object of arrays; empty when there is no filter. */
    static String json(List<String> filters) throws UsageException {
        if (filters.isEmpty()) {
            return "";
        }
        Map<String, List<String>> byKey = new LinkedHashMap<>();
        for (String filter : filters) {
            int equals = filter.indexOf('=');
            if (equals <= 0) {
                throw new UsageException("--filter: want KEY=VALUE, got '" + filter + "'");
            }
            byKey.computeIfAbsent(filter.substring(0, equals), key -> new ArrayList<>())
                    .add(filter.substring(equals + 1));
        }
        Map<String, Json> object = new LinkedHashMap<>();
        for (Map.Entry<String, List<String>> entry : byKey.entrySet()) {
            object.put(entry.getKey(), Json.texts(entry.getValue()));
        }
        return Json.of(object).toString();
    }
}
