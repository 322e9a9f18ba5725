package dev.berth.agent.cli.hostcheck;

import dev.berth.agent.cli.json.Json;

import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;

/**
 * One thing that was looked at.
 *
 * @param detail figures, or why it failed or was skipped
 */
record Finding(Area area, String name, State state, String detail) {
    /** Part of the check. */
    enum Area {
        HOST("Host"),
        NVML("NVML, by the agent's own worker"),
        SMI("The same values as nvidia-smi's"),
        CONTAINER("A container with one GPU"),
        CUDA("A CUDA program in a container"),
        START("How long a start takes"),
        AFTER("What is left");

        private final String title;

        Area(String title) {
            this.title = title;
        }

        String title() {
            return title;
        }
    }

    /** How it came out. */
    enum State {
        PASSED,
        FAILED,
        SKIPPED,
        /** A fact: nothing that could be wrong. */
        TOLD;

        String word() {
            return this == PASSED ? "ok" : this == TOLD ? "" : name().toLowerCase(Locale.ROOT);
        }
    }

    Json json() {
        Map<String, Json> members = new LinkedHashMap<>();
        members.put("Area", Json.of(area.name().toLowerCase(Locale.ROOT)));
        members.put("Name", Json.of(name));
        members.put("State", Json.of(state.name().toLowerCase(Locale.ROOT)));
        members.put("Detail", Json.of(detail));
        return Json.of(members);
    }
}
