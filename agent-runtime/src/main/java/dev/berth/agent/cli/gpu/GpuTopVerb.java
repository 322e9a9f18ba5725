package dev.berth.agent.cli.gpu;

import dev.berth.agent.cli.args.Arguments;
import dev.berth.agent.cli.args.Flag;
import dev.berth.agent.cli.args.UsageException;
import dev.berth.agent.cli.args.VerbSpec;
import dev.berth.agent.cli.json.Json;
import dev.berth.agent.cli.session.Cli;
import dev.berth.agent.cli.session.CliException;
import dev.berth.agent.cli.session.Format;
import dev.berth.agent.cli.session.Verb;
import dev.berth.agent.cli.terminal.LocalTerminal;
import dev.berth.agent.cli.view.Paint;

import java.io.IOException;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.locks.LockSupport;

/** {@code berth gpu top}: bars that move on a terminal; one reading where nobody looks. */
public final class GpuTopVerb implements Verb {
    private static final int DEFAULT_COLUMNS = 100;

    @Override
    public VerbSpec spec() {
        return VerbSpec.of(
                        VerbSpec.Group.GPUS,
                        "top",
                        "Show what GPUs do: load, memory, heat, power, processes",
                        0,
                        0,
                        List.of(
                                Flag.value(
                                                "interval",
                                                "SECONDS",
                                                "Between two readings (default: 1)")
                                        .letter('n'),
                                Flag.toggle("no-stream", "Show one reading and end"),
                                Inventory.RESOURCE,
                                Format.FLAG))
                .in("gpu")
                .examples(
                        "Live; ends with ctrl-c",
                        "berth gpu top",
                        "One reading, for a script",
                        "berth gpu top --no-stream --format json | jq '.Metrics.DCGM_FI_DEV_GPU_UTIL'");
    }

    @Override
    public int run(Cli cli, Arguments arguments) throws UsageException, CliException, IOException {
        boolean json = Format.isJson(arguments);
        long intervalNs = arguments.number("interval", 1, 1) * 1_000_000_000L;
        boolean live = cli.isTerminal(1);
        boolean once = arguments.has("no-stream") || (!live && !arguments.given("interval"));
        boolean redraw = live && !once && !json;
        boolean unicode = unicode(cli);
        while (true) {
            if (json) {
                Format.printEach(cli, Inventory.ask(cli, arguments).devices());
            } else {
                Inventory inventory = Inventory.askForSome(cli, arguments);
                Optional<LocalTerminal.Size> size = live ? LocalTerminal.size(1) : Optional.empty();
                int columns = size.isPresent() ? size.get().columns() : DEFAULT_COLUMNS;
                String screen = new TopScreen(columns, unicode, Paint.of(cli)).of(inventory);
                cli.out().print(redraw ? redrawn(screen, size) : screen);
            }
            cli.out().flush();
            if (once || cli.out().checkError()) {
                return 0;
            }
            LockSupport.parkNanos(intervalNs);
        }
    }

    /** From the upper left corner, each line cleared to its end instead of the whole screen at once, which would flicker. */
    private static String redrawn(String screen, Optional<LocalTerminal.Size> size) {
        String[] lines = screen.split("\n", -1);
        int rows = size.isPresent() ? size.get().rows() - 1 : lines.length;
        StringBuilder text = new StringBuilder("\u001b[H");
        for (int i = 0; i < Math.min(rows, lines.length); i++) {
            text.append(lines[i]).append("\u001b[K\n");
        }
        return text.append("\u001b[J").toString();
    }

    /** Bars of block characters where the user's locale can show them; a pipe takes them as well. */
    private static boolean unicode(Cli cli) {
        for (String name : List.of("LC_ALL", "LC_CTYPE", "LANG")) {
            String value = cli.environment(name);
            if (!value.isEmpty()) {
                return value.toUpperCase(java.util.Locale.ROOT).replace("-", "").contains("UTF8");
            }
        }
        return !cli.isTerminal(1);
    }

    static String textOf(Json answer, int columns, boolean unicode) {
        return new TopScreen(columns, unicode, Paint.plain()).of(Inventory.of(answer));
    }
}
