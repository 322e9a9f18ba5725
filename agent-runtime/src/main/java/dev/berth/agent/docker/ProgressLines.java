package dev.berth.agent.docker;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;

import dev.berth.agent.config.AgentException;
import dev.berth.containerizer.image.PullProgress;

import io.netty.buffer.Unpooled;

import org.jspecify.annotations.Nullable;

import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.concurrent.ConcurrentHashMap;

/**
 * A pull's or load's progress as Docker's JSON lines. The answer begins with the first line, so that a failure before it has a status of its own. Of a layer's byte counts at most ten a second are sent.
 *
 * <p>Thread: any; lines leave on the loop in order.
 */
final class ProgressLines implements PullProgress {
    private static final long INTERVAL_NS = 100_000_000L;

    private final Exchange exchange;
    private final ConcurrentHashMap<String, Long> lastSent = new ConcurrentHashMap<>();
    private @Nullable ByteSink sink;
    private boolean begun;

    ProgressLines(Exchange exchange) {
        this.exchange = exchange;
    }

    @Override
    public void update(String id, String status, long currentBytes, long totalBytes) {
        boolean counting = totalBytes > 0 && currentBytes < totalBytes;
        if (counting) {
            long now = System.nanoTime();
            Long last = lastSent.get(id + status);
            if (last != null && now - last < INTERVAL_NS) {
                return;
            }
            lastSent.put(id + status, now);
        }
        ObjectNode line = JsonNodeFactory.instance.objectNode();
        line.put("status", status);
        ObjectNode detail = line.putObject("progressDetail");
        if (totalBytes > 0) {
            detail.put("current", currentBytes).put("total", totalBytes);
            line.put("progress", bar(currentBytes, totalBytes));
        }
        if (!id.isEmpty()) {
            line.put("id", id);
        }
        exchange.loop(() -> send(line));
    }

    private static String bar(long current, long total) {
        int filled = Math.clamp(current * 50 / total, 0, 50);
        return "["
                + "=".repeat(Math.max(0, filled - 1))
                + (filled > 0 ? ">" : "")
                + " ".repeat(50 - filled)
                + "]  "
                + human(current)
                + "/"
                + human(total);
    }

    private static String human(long bytes) {
        String[] units = {"B", "kB", "MB", "GB", "TB"};
        double value = bytes;
        int unit = 0;
        while (value >= 1000 && unit < units.length - 1) {
            value /= 1000;
            unit++;
        }
        return String.format(Locale.ROOT, unit == 0 ? "%.0f%s" : "%.4g%s", value, units[unit]);
    }

    void stream(String text) {
        ObjectNode line = JsonNodeFactory.instance.objectNode().put("stream", text);
        exchange.loop(() -> send(line));
    }

    private void send(ObjectNode line) {
        begin();
        write(line);
    }

    private void begin() {
        if (!begun) {
            begun = true;
            ByteSink open = exchange.stream(200, "application/json");
            sink = open;
        }
    }

    private void write(ObjectNode line) {
        ByteSink open = sink;
        if (open != null && open.isOpen()) {
            open.write(Unpooled.wrappedBuffer((line + "\r\n").getBytes(StandardCharsets.UTF_8)));
            open.flush();
        }
    }

    void end() {
        exchange.loop(() -> {
            begin();
            ByteSink open = sink;
            if (open != null) {
                open.end();
            }
        });
    }

    void fail(AgentException failure) {
        exchange.loop(() -> {
            ByteSink open = sink;
            if (open == null) {
                exchange.fail(failure);
                return;
            }
            ObjectNode line = JsonNodeFactory.instance.objectNode();
            line.putObject("errorDetail").put("message", failure.chain());
            line.put("error", failure.chain());
            write(line);
            open.end();
        });
    }
}
