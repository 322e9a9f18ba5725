package dev.berth.agent.cli.doctor;

import dev.berth.agent.cli.json.Json;

import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;

/**
 * One thing that was looked at.
 *
 * @param state whether it is there
 * @param needed whether containers cannot be run without it
 * @param detail what was found, in a few words
 * @param cost what is lost without it
 * @param fix how to get it, one line
 */
record Finding(
        Area area,
        String name,
        State state,
        boolean needed,
        String detail,
        String cost,
        String fix) {
    /** Where a finding is listed. */
    enum Area {
        KERNEL("Kernel"),
        CGROUPS("Control groups"),
        PERMISSIONS("Permissions"),
        GPUS("GPUs"),
        BUILD("Packages for the build"),
        TESTS("Packages for the tests");

        private final String title;

        Area(String title) {
            this.title = title;
        }

        String title() {
            return title;
        }
    }

    /** Whether it is there. */
    enum State {
        PRESENT,
        /** Not as it should be, but Berth works round it. */
        PARTIAL,
        MISSING
    }

    static Finding of(
            Area area, String name, boolean present, String detail, String cost, String fix) {
        return new Finding(
                area,
                name,
                present ? State.PRESENT : State.MISSING,
                false,
                detail,
                present ? "" : cost,
                present ? "" : fix);
    }

    Finding whenNeeded() {
        return new Finding(area, name, state, true, detail, cost, fix);
    }

    boolean stopsContainers() {
        return needed && state == State.MISSING;
    }

    Json json() {
        Map<String, Json> members = new LinkedHashMap<>();
        members.put("Area", Json.of(area.name().toLowerCase(Locale.ROOT)));
        members.put("Name", Json.of(name));
        members.put("State", Json.of(state.name().toLowerCase(Locale.ROOT)));
        members.put("Needed", Json.of(needed));
        members.put("Detail", Json.of(detail));
        members.put("Cost", Json.of(cost));
        members.put("Fix", Json.of(fix));
        return Json.of(members);
    }
}
