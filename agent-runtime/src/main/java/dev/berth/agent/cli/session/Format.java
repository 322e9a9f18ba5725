package dev.berth.agent.cli.session;

import dev.berth.agent.cli.args.Arguments;
import dev.berth.agent.cli.args.Flag;
import dev.berth.agent.cli.args.UsageException;
import dev.berth.agent.cli.json.Json;

import java.util.List;
import java.util.Optional;

/** {@code --format}: {@code table} or {@code json}. */
public final class Format {
    public static final Flag FLAG =
            Flag.value("format", "json|table", "json prints everything, one object a line");

    private Format() {}

    /**
     * Whether JSON was asked for.
     *
     * @throws UsageException for a Go template, with what to use instead
     */
    public static boolean isJson(Arguments arguments) throws UsageException {
        Optional<String> format = arguments.value("format");
        if (format.isEmpty() || format.get().equals("table")) {
            return false;
        }
        if (format.get().equals("json")) {
            return true;
        }
        if (format.get().contains("{{")) {
            throw new UsageException(
                    "--format: Go templates are not supported; use --format json and jq: "
                            + format.get());
        }
        throw new UsageException("--format: want json or table, got '" + format.get() + "'");
    }

    /** Prints one compact object a line. */
    public static void printEach(Cli cli, List<Json> objects) {
        for (Json object : objects) {
            cli.out().println(object);
        }
    }
}
