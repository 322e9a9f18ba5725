package dev.berth.agent.cli.container;

import dev.berth.agent.cli.args.Arguments;
import dev.berth.agent.cli.args.Flag;
import dev.berth.agent.cli.args.UsageException;
import dev.berth.agent.cli.args.VerbSpec;
import dev.berth.agent.cli.http.Query;
import dev.berth.agent.cli.http.Response;
import dev.berth.agent.cli.json.Json;
import dev.berth.agent.cli.session.Cli;
import dev.berth.agent.cli.session.CliException;
import dev.berth.agent.cli.session.Format;
import dev.berth.agent.cli.session.Verb;
import dev.berth.agent.cli.view.Human;
import dev.berth.agent.cli.view.Table;

import java.io.IOException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;

/** {@code berth ps}. */
public final class PsVerb implements Verb {
    private static final int COMMAND_WIDTH = 20;

    @Override
    public VerbSpec spec() {
        return VerbSpec.of(
                        VerbSpec.Group.CONTAINERS,
                        "ps",
                        "List containers",
                        0,
                        0,
                        List.of(
                                Flag.toggle("all", "Also those that do not run").letter('a'),
                                Flag.list(
                                                "filter",
                                                "KEY=VALUE",
                                                "Only those that match: id, name, label, status, ancestor, exited")
                                        .letter('f'),
                                Flag.value("last", "N", "The N newest, whatever their state")
                                        .letter('n'),
                                Flag.toggle("latest", "The newest, whatever its state").letter('l'),
                                Flag.toggle("no-trunc", "Show whole ids and commands"),
                                Flag.toggle("quiet", "Print only ids").letter('q'),
                                Format.FLAG))
                .examples(
                        "What runs",
                        "berth ps",
                        "Remove all that have ended",
                        "berth rm $(berth ps -aq -f status=exited)");
    }

    @Override
    public int run(Cli cli, Arguments arguments) throws UsageException, CliException, IOException {
        boolean json = Format.isJson(arguments);
        long limit = arguments.has("latest") ? 1 : arguments.number("last", 0, 1);
        Query query = Query.of("/containers/json");
        if (arguments.has("all") || limit > 0) {
            query.with("all", "1");
        }
        if (limit > 0) {
            query.with("limit", Long.toString(limit));
        }
        query.withNonEmpty("filters", Filters.json(arguments.values("filter")));
        List<Json> containers;
        try (Response response = cli.client().get(query)) {
            containers = response.json().items();
        }
        boolean whole = arguments.has("no-trunc");
        if (json) {
            Format.printEach(cli, containers);
        } else if (arguments.has("quiet")) {
            for (Json container : containers) {
                String id = container.at("Id").text();
                cli.out().println(whole ? id : Human.shortId(id));
            }
        } else {
            cli.out().print(table(containers, whole, Instant.now()));
        }
        return 0;
    }

    static Table table(List<Json> containers, boolean whole, Instant now) {
        Table table = new Table("CONTAINER ID", "IMAGE", "COMMAND", "CREATED", "STATUS", "NAMES");
        for (Json container : containers) {
            String id = container.at("Id").text();
            String command = container.at("Command").text();
            String image = container.at("Image").text();
            List<String> names = new ArrayList<>();
            for (String name : container.at("Names").texts()) {
                names.add(name.startsWith("/") ? name.substring(1) : name);
            }
            table.row(
                    whole ? id : Human.shortId(id),
                    whole || !image.startsWith("sha256:") ? image : Human.shortId(image),
                    '"' + (whole ? command : Human.cut(command, COMMAND_WIDTH)) + '"',
                    Human.ago(Instant.ofEpochSecond(container.at("Created").number()), now),
                    container.at("Status").text(),
                    String.join(",", names));
        }
        return table;
    }
}
