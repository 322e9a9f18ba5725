package dev.berth.agent.conductor;

import java.security.SecureRandom;
import java.util.HexFormat;
import java.util.function.Predicate;

/** Makes up container names ({@code calm_lagoon}) and ids. */
final class Names {
    private static final String[] MOODS = {
        "able", "airy", "amber", "brave", "brisk", "calm", "clear", "clever", "coral", "daring",
        "deft", "eager", "early", "fair", "fleet", "fresh", "gentle", "glad", "golden", "hardy",
        "honest", "jolly", "keen", "kind", "lively", "lucid", "mellow", "merry", "mild", "modest",
        "neat", "noble", "patient", "plucky", "polite", "prompt", "proud", "quick", "quiet",
        "ready", "rosy", "salty", "sharp", "silver", "smooth", "snug", "solid", "spry", "steady",
        "still", "sunny", "swift", "tidy", "trim", "true", "vivid", "warm", "wise", "witty", "young"
    };
    private static final String[] THINGS = {
        "anchor",
        "bay",
        "beacon",
        "bollard",
        "bow",
        "bridge",
        "brig",
        "buoy",
        "cabin",
        "canal",
        "canvas",
        "capstan",
        "cargo",
        "channel",
        "clipper",
        "coast",
        "compass",
        "cove",
        "crane",
        "current",
        "cutter",
        "davit",
        "deck",
        "dinghy",
        "dock",
        "estuary",
        "ferry",
        "fjord",
        "galley",
        "gull",
        "harbor",
        "hatch",
        "haven",
        "hawser",
        "helm",
        "hull",
        "island",
        "jetty",
        "keel",
        "ketch",
        "lagoon",
        "lantern",
        "ledge",
        "lock",
        "mast",
        "mooring",
        "oar",
        "pier",
        "pilot",
        "port",
        "quay",
        "reef",
        "rigging",
        "rudder",
        "sail",
        "schooner",
        "sextant",
        "shoal",
        "skiff",
        "sloop",
        "sound",
        "spar",
        "strait",
        "tide",
        "tiller",
        "tug",
        "wake",
        "wharf",
        "winch",
        "yawl"
    };

    private final SecureRandom random = new SecureRandom();

    /** 64 hex digits; not all decimal, so that nothing takes its short form for a number. */
    String id() {
        byte[] bytes = new byte[32];
        String id;
        do {
            random.nextBytes(bytes);
            id = HexFormat.of().formatHex(bytes);
        } while (id.substring(0, 12).chars().allMatch(c -> c <= '9'));
        return id;
    }

    String name(Predicate<String> taken) {
        for (int attempt = 0; ; attempt++) {
            String name =
                    MOODS[random.nextInt(MOODS.length)]
                            + "_"
                            + THINGS[random.nextInt(THINGS.length)]
                            + (attempt < 3 ? "" : String.valueOf(random.nextInt(1_000_000)));
            if (!taken.test(name)) {
                return name;
            }
        }
    }
}
