package dev.berth.agent.config;

import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * How long sandboxes of ended tasks are kept, as in Mesos: the delay where the disk is empty, less the fuller it is, and not at all above {@code 1 - headroom}.
 *
 * @param delayNs with an empty disk and no headroom
 * @param headroom part of the disk that is to stay free, 0 to 1
 */
public record SandboxRetention(long delayNs, double headroom) {
    private static final Pattern DURATION = Pattern.compile("(\\d+(?:\\.\\d+)?)([a-z]+)");

    /** Mesos's words, with the seconds of each. */
    private static final Map<String, Double> UNITS =
            new TreeMap<>(
                    Map.of(
                            "ns", 1e-9, "us", 1e-6, "ms", 1e-3, "secs", 1.0, "mins", 60.0, "hrs",
                            3600.0, "days", 86_400.0, "weeks", 604_800.0));

    /** One week, and a tenth of the disk. */
    public static final SandboxRetention DEFAULT =
            new SandboxRetention(604_800L * 1_000_000_000L, 0.1);

    /**
     * How old a sandbox may become.
     *
     * @param usage which part of the disk is used, 0 to 1
     */
    public long ageNs(double usage) {
        return (long) (delayNs * Math.max(0.0, 1.0 - headroom - usage));
    }

    SandboxRetention withDelay(String value) throws AgentException {
        Matcher words = DURATION.matcher(value);
        Double unit = words.matches() ? UNITS.get(words.group(2)) : null;
        if (unit == null) {
            throw AgentException.invalid(
                    "option --gc-delay: want a number with one of "
                            + String.join(", ", UNITS.keySet())
                            + ", such as 2days, got \""
                            + value
                            + "\"");
        }
        return new SandboxRetention(
                (long) (Double.parseDouble(words.group(1)) * unit * 1e9), headroom);
    }

    SandboxRetention withHeadroom(String value) throws AgentException {
        double part;
        try {
            part = Double.parseDouble(value);
        } catch (NumberFormatException _) {
            part = -1;
        }
        if (!(part >= 0 && part <= 1)) {
            throw AgentException.invalid(
                    "option --gc-disk-headroom: want a number from 0 to 1, got \"" + value + "\"");
        }
        return new SandboxRetention(delayNs, part);
    }
}
