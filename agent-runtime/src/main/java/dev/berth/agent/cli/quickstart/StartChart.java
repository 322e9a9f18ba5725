package dev.berth.agent.cli.quickstart;

import dev.berth.agent.cli.json.Json;

import java.util.List;
import java.util.Locale;

/** The stages of a start as bars on one scale. */
final class StartChart {
    private static final int BAR = 44;

    private StartChart() {}

    /** @param stages {@code Berth.Timeline} of an inspection: {@code {"Stage","Us"}}, microseconds since the first */
    static String of(List<Json> stages) {
        if (stages.isEmpty()) {
            return "  (the agent tells no stages)\n";
        }
        long total = Math.max(1, stages.get(stages.size() - 1).at("Us").number());
        int width = 0;
        for (Json stage : stages) {
            width = Math.max(width, stage.at("Stage").text().length());
        }
        StringBuilder text = new StringBuilder();
        long before = 0;
        for (Json stage : stages) {
            long at = stage.at("Us").number();
            String name = stage.at("Stage").text();
            int from = (int) (before * BAR / total);
            int to = (int) (at * BAR / total);
            text.append("  ").append(name).append(" ".repeat(width - name.length()));
            text.append(String.format(Locale.ROOT, " %7d  %+7d  ", at, at - before));
            text.append(" ".repeat(Math.max(0, from)));
            text.append(at == before ? "" : "█".repeat(Math.max(1, to - from))).append('\n');
            before = at;
        }
        return text.toString();
    }
}
