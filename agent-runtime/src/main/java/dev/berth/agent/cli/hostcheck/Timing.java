package dev.berth.agent.cli.hostcheck;

import dev.berth.agent.cli.json.Json;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** How long a kind of call took. */
record Timing(String name, List<Long> ns) {
    Timing {
        ns = ns.stream().sorted().toList();
        if (ns.isEmpty()) {
            throw new IllegalArgumentException(name + " was never timed");
        }
    }

    double p50Ms() {
        return ns.get(ns.size() / 2) / 1e6;
    }

    double maxMs() {
        return ns.get(ns.size() - 1) / 1e6;
    }

    String words() {
        return String.format(
                Locale.ROOT, "p50 %.2f ms, max %.2f ms, %d times", p50Ms(), maxMs(), ns.size());
    }

    Json json() {
        Map<String, Json> members = new LinkedHashMap<>();
        members.put("P50", Json.of(p50Ms()));
        members.put("Max", Json.of(maxMs()));
        members.put("Count", Json.of(ns.size()));
        return Json.of(members);
    }
}
