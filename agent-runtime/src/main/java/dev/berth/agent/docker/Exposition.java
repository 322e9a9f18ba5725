package dev.berth.agent.docker;

import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;

/**
 * Metrics in Prometheus' text format 0.0.4: all samples of a metric together, behind its HELP and TYPE. One thread.
 *
 * @see <a href="https://prometheus.io/docs/instrumenting/exposition_formats/">the format</a>
 */
final class Exposition {
    private final Map<String, StringBuilder> families = new LinkedHashMap<>();

    /** One sample; {@code type} is {@code gauge} or {@code counter}. The first one of a name says its help. */
    Exposition add(
            String name, String type, String help, Map<String, String> labels, double value) {
        StringBuilder family =
                families.computeIfAbsent(
                        name,
                        _ ->
                                new StringBuilder("# HELP ")
                                        .append(name)
                                        .append(' ')
                                        .append(help.replace("\\", "\\\\").replace("\n", "\\n"))
                                        .append("\n# TYPE ")
                                        .append(name)
                                        .append(' ')
                                        .append(type)
                                        .append('\n'));
        family.append(name);
        if (!labels.isEmpty()) {
            char before = '{';
            for (Map.Entry<String, String> label : labels.entrySet()) {
                family.append(before)
                        .append(label.getKey())
                        .append("=\"")
                        .append(escaped(label.getValue()))
                        .append('"');
                before = ',';
            }
            family.append('}');
        }
        family.append(' ').append(number(value)).append('\n');
        return this;
    }

    private static String escaped(String value) {
        return value.replace("\\", "\\\\").replace("\"", "\\\"").replace("\n", "\\n");
    }

    /** Whole numbers without a point or an exponent, as long as a double holds them exactly. */
    private static String number(double value) {
        if (Double.isNaN(value)) {
            return "NaN";
        }
        if (Double.isInfinite(value)) {
            return value > 0 ? "+Inf" : "-Inf";
        }
        return value == Math.rint(value) && Math.abs(value) < 1L << 53
                ? Long.toString((long) value)
                : String.format(Locale.ROOT, "%s", value);
    }

    @Override
    public String toString() {
        StringBuilder all = new StringBuilder();
        families.values().forEach(all::append);
        return all.toString();
    }
}
