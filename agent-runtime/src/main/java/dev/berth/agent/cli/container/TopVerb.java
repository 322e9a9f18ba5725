package dev.berth.agent.cli.container;

import dev.berth.agent.cli.args.Arguments;
import dev.berth.agent.cli.args.UsageException;
import dev.berth.agent.cli.args.VerbSpec;
import dev.berth.agent.cli.http.Query;
import dev.berth.agent.cli.http.Response;
import dev.berth.agent.cli.json.Json;
import dev.berth.agent.cli.session.Cli;
import dev.berth.agent.cli.session.CliException;
import dev.berth.agent.cli.session.Format;
import dev.berth.agent.cli.session.Verb;
import dev.berth.agent.cli.view.Table;

import java.io.IOException;
import java.util.List;

/** {@code berth top}. */
public final class TopVerb implements Verb {
    @Override
    public VerbSpec spec() {
        return VerbSpec.of(
                        VerbSpec.Group.CONTAINERS,
                        "top CONTAINER",
                        "List the processes of a container",
                        1,
                        1,
                        List.of(Format.FLAG))
                .examples("With their host pids", "berth top web");
    }

    @Override
    public int run(Cli cli, Arguments arguments) throws UsageException, CliException, IOException {
        boolean json = Format.isJson(arguments);
        String container = Query.encode(arguments.operands().get(0));
        Json top;
        try (Response response = cli.client().get(Query.of("/containers/" + container + "/top"))) {
            top = response.json();
        }
        if (json) {
            cli.out().println(top);
            return 0;
        }
        Table table = new Table(top.at("Titles").texts().toArray(new String[0]));
        for (Json process : top.at("Processes").items()) {
            table.row(process.texts().toArray(new String[0]));
        }
        cli.out().print(table);
        return 0;
    }
}
