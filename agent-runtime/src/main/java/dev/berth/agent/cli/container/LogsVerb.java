package dev.berth.agent.cli.container;

import dev.berth.agent.cli.args.Arguments;
import dev.berth.agent.cli.args.Flag;
import dev.berth.agent.cli.args.UsageException;
import dev.berth.agent.cli.args.VerbSpec;
import dev.berth.agent.cli.http.Query;
import dev.berth.agent.cli.http.Response;
import dev.berth.agent.cli.session.Cli;
import dev.berth.agent.cli.session.CliException;
import dev.berth.agent.cli.session.Verb;
import dev.berth.agent.cli.terminal.OutputPump;

import java.io.IOException;
import java.time.Instant;
import java.util.List;

/** {@code berth logs}. */
public final class LogsVerb implements Verb {
    @Override
    public VerbSpec spec() {
        return VerbSpec.of(
                        VerbSpec.Group.CONTAINERS,
                        "logs CONTAINER",
                        "Show what a container has written",
                        1,
                        1,
                        List.of(
                                Flag.toggle("follow", "Go on as more is written").letter('f'),
                                Flag.value("tail", "N", "Only the last N lines").letter('n'),
                                Flag.value(
                                        "since",
                                        "TIME",
                                        "Only from then on: 2026-01-31T10:00:00Z, seconds since 1970, or 10m ago as 10m"),
                                Flag.value("until", "TIME", "Only up to then"),
                                Flag.toggle("timestamps", "Begin each line with its time")
                                        .letter('t')))
                .examples(
                        "The last lines, and what follows",
                        "berth logs -f -n 20 web",
                        "Only standard error",
                        "berth logs web >/dev/null");
    }

    @Override
    public int run(Cli cli, Arguments arguments) throws UsageException, CliException, IOException {
        String container = arguments.operands().get(0);
        boolean tty;
        try (Response inspected =
                cli.client().get(Query.of("/containers/" + Query.encode(container) + "/json"))) {
            tty = inspected.json().at("Config", "Tty").truth();
        }
        Query query =
                Query.of("/containers/" + Query.encode(container) + "/logs")
                        .with("stdout", "1")
                        .with("stderr", "1")
                        .with("follow", arguments.has("follow") ? "1" : "0")
                        .with("timestamps", arguments.has("timestamps") ? "1" : "0")
                        .with("tail", tail(arguments));
        Instant now = Instant.now();
        query.withNonEmpty("since", Times.parse("since", arguments.value("since"), now));
        query.withNonEmpty("until", Times.parse("until", arguments.value("until"), now));
        try (Response response = cli.client().get(query)) {
            if (tty) {
                OutputPump.raw(response.body(), cli.out());
            } else {
                OutputPump.frames(response.body(), cli.out(), cli.err());
            }
        }
        return 0;
    }

    private static String tail(Arguments arguments) throws UsageException {
        return arguments.value("tail").orElse("all").equals("all")
                ? "all"
                : Long.toString(arguments.number("tail", 0, 0));
    }
}
