package dev.berth.agent.cli.view;

import dev.berth.agent.cli.json.Json;

import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Shows the progress messages of a pull or load. On a terminal each layer has a line with a bar that is redrawn in place; elsewhere a line is printed when a layer's status changes.
 */
public final class PullScreen {
    private static final int BAR = 30;

    private final Appendable out;
    private final boolean terminal;
    private final int columns;
    private final List<String> order = new ArrayList<>();
    private final Map<String, String> lines = new HashMap<>();
    private int drawn;

    /**
     * @param terminal whether {@code out} understands cursor movement
     * @param columns width of the terminal; longer lines are cut so that one line stays one line
     */
    public PullScreen(Appendable out, boolean terminal, int columns) {
        this.out = out;
        this.terminal = terminal;
        this.columns = columns;
    }

    /** Shows one message: {@code {"id","status","progressDetail":{"current","total"}}}. */
    public void show(Json message) throws IOException {
        String id = message.at("id").text();
        String status = message.at("status").text(message.at("stream").text().stripTrailing());
        if (status.isEmpty()) {
            return;
        }
        if (id.isEmpty()) {
            // What is not about a layer stays above or below the block of layers for good.
            out.append(status).append('\n');
            drawn = 0;
            order.clear();
            lines.clear();
            return;
        }
        if (terminal) {
            bar(id, status, message.at("progressDetail"));
        } else if (!status.equals(lines.put(id, status))) {
            out.append(id).append(": ").append(status).append('\n');
        }
    }

    private void bar(String id, String status, Json detail) throws IOException {
        String line = id + ": " + status;
        long current = detail.at("current").number();
        long total = detail.at("total").number();
        if (total > 0) {
            line = id + ": " + pad(status, 12) + " " + progress(current, total);
        } else if (current > 0) {
            line = id + ": " + pad(status, 12) + " " + Human.size(current);
        }
        line = Human.cut(line, Math.max(20, columns - 1));
        int at = order.indexOf(id);
        if (at < 0) {
            order.add(id);
            at = order.size() - 1;
            out.append('\n');
            drawn++;
        } else if (line.equals(lines.get(id))) {
            return;
        }
        lines.put(id, line);
        int up = drawn - at;
        out.append("\u001b[").append(Integer.toString(up)).append('A');
        out.append('\r').append(line).append("\u001b[K");
        out.append("\u001b[").append(Integer.toString(up)).append('B').append('\r');
    }

    private static String pad(String text, int width) {
        return text + " ".repeat(Math.max(0, width - text.length()));
    }

    static String progress(long current, long total) {
        long shown = Math.min(current, total);
        int full = (int) (shown * BAR / total);
        String head = full < BAR ? ">" : "";
        return "["
                + "=".repeat(full)
                + head
                + " ".repeat(BAR - full - head.length())
                + "] "
                + Human.size(shown)
                + "/"
                + Human.size(total);
    }
}
