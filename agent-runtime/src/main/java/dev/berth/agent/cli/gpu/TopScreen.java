package dev.berth.agent.cli.gpu;

import dev.berth.agent.cli.json.Json;
import dev.berth.agent.cli.view.Human;
import dev.berth.agent.cli.view.Paint;
import dev.berth.agent.cli.view.Table;

import java.util.Locale;

/** One reading of all devices as bars. */
final class TopScreen {
    /** Everything of a row but its two bars and the container's name. */
    private static final int FIXED = 74;

    private static final int LEAST_BAR = 6;
    private static final int MOST_BAR = 32;
    private static final String[] EIGHTHS = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};

    private final int bar;
    private final boolean unicode;
    private final Paint paint;

    /** @param columns of the terminal */
    TopScreen(int columns, boolean unicode, Paint paint) {
        bar = Math.clamp((columns - FIXED) / 2, LEAST_BAR, MOST_BAR);
        this.unicode = unicode;
        this.paint = paint;
    }

    String of(Inventory inventory) {
        StringBuilder text = new StringBuilder(2048);
        text.append(paint.faint(inventory.headline())).append('\n');
        String warning = inventory.sourceWarning();
        if (!warning.isEmpty()) {
            text.append(paint.bad(warning)).append('\n');
        }
        Table table = new Table("GPU", "LOAD", "MEMORY", "TEMP", "POWER", "HEALTH", "CONTAINER");
        for (Json device : inventory.devices()) {
            row(table, device);
        }
        text.append(table).append('\n');
        text.append(processes(inventory));
        return text.toString();
    }

    private void row(Table table, Json device) {
        Json metrics = device.at("Metrics");
        Json load = metrics.at("DCGM_FI_DEV_GPU_UTIL");
        Json used = metrics.at("DCGM_FI_DEV_FB_USED");
        double total =
                used.decimal() + metrics.at("DCGM_FI_DEV_FB_FREE").decimal() > 0
                        ? used.decimal() + metrics.at("DCGM_FI_DEV_FB_FREE").decimal()
                        : device.at("MemoryBytes").decimal() / (1 << 20);
        table.row(
                device.at("Index").text(),
                load.isNull()
                        ? "--"
                        : bar(load.decimal() / 100)
                                + String.format(Locale.ROOT, " %3.0f %%", load.decimal()),
                used.isNull() || total <= 0
                        ? "--"
                        : bar(used.decimal() / total)
                                + String.format(
                                        Locale.ROOT,
                                        " %5.1f / %.1f GiB",
                                        used.decimal() / 1024,
                                        total / 1024),
                figure(metrics.at("DCGM_FI_DEV_GPU_TEMP"), unicode ? "%.0f °C" : "%.0f C"),
                figure(metrics.at("DCGM_FI_DEV_POWER_USAGE"), "%.0f W"),
                Inventory.health(device, paint),
                Inventory.holder(device));
    }

    private static String figure(Json value, String format) {
        return value.isNull() ? "--" : String.format(Locale.ROOT, format, value.decimal());
    }

    /** @param share 0 to 1; what lies outside is cut */
    String bar(double share) {
        double kept = Math.clamp(share, 0.0, 1.0);
        int eighths = (int) Math.round(kept * bar * 8);
        int full = eighths / 8;
        StringBuilder filled = new StringBuilder();
        filled.append((unicode ? "█" : "#").repeat(full));
        if (unicode && eighths % 8 > 0) {
            filled.append(EIGHTHS[eighths % 8]);
        }
        int rest = bar - filled.length();
        String shown = filled.toString();
        shown =
                kept >= 0.9
                        ? paint.bad(shown)
                        : kept >= 0.6 ? paint.warning(shown) : paint.good(shown);
        return shown + paint.faint((unicode ? "·" : ".").repeat(rest));
    }

    private static String processes(Inventory inventory) {
        Table table = new Table("GPU", "PID", "TYPE", "MEMORY", "CONTAINER");
        int count = 0;
        for (Json device : inventory.devices()) {
            for (Json process : device.at("Processes").items()) {
                long memory = process.at("MemoryBytes").number();
                table.row(
                        device.at("Index").text(),
                        process.at("Pid").text(),
                        process.at("Type").text("--"),
                        memory < 0 ? "--" : Human.binarySize(memory),
                        process.at("Container").text().isEmpty()
                                ? "(none of ours)"
                                : name(device, process));
                count++;
            }
        }
        return count == 0 ? "no process uses a GPU\n" : table.toString();
    }

    private static String name(Json device, Json process) {
        String container = process.at("Container").text();
        return container.equals(device.at("Container").text())
                ? Inventory.holder(device)
                : Human.shortId(container);
    }
}
