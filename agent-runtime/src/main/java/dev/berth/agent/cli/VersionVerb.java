package dev.berth.agent.cli;

import dev.berth.agent.cli.args.Arguments;
import dev.berth.agent.cli.args.Flag;
import dev.berth.agent.cli.args.UsageException;
import dev.berth.agent.cli.args.VerbSpec;
import dev.berth.agent.cli.http.EngineClient;
import dev.berth.agent.cli.http.Query;
import dev.berth.agent.cli.http.Response;
import dev.berth.agent.cli.json.Json;
import dev.berth.agent.cli.session.Cli;
import dev.berth.agent.cli.session.CliException;
import dev.berth.agent.cli.session.Format;
import dev.berth.agent.cli.session.Verb;

import java.io.IOException;
import java.nio.file.Files;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** {@code berth version}: asks the agent too where one listens, and starts none. */
final class VersionVerb implements Verb {
    @Override
    public VerbSpec spec() {
        return VerbSpec.of(
                        VerbSpec.Group.AGENT,
                        "version",
                        "Show the versions of the command line and the agent",
                        0,
                        0,
                        List.of(Flag.toggle("client", "Only the command line's"), Format.FLAG))
                .examples("For a script", "berth version --format json");
    }

    @Override
    public int run(Cli cli, Arguments arguments) throws UsageException, CliException, IOException {
        boolean json = Format.isJson(arguments);
        Map<String, Json> client = new LinkedHashMap<>();
        client.put("Version", Json.of(Berth.VERSION));
        client.put("Java", Json.of(System.getProperty("java.version")));
        client.put("Arch", Json.of(System.getProperty("os.arch")));
        Optional<Json> agent = arguments.has("client") ? Optional.empty() : agent(cli);
        if (json) {
            Map<String, Json> both = new LinkedHashMap<>();
            both.put("Client", Json.of(client));
            both.put("Server", agent.orElse(Json.NULL));
            cli.out().println(Json.of(both));
            return 0;
        }
        cli.out().println("Berth " + Berth.VERSION);
        cli.out().println("  Java:        " + System.getProperty("java.version"));
        if (agent.isPresent()) {
            Json server = agent.get();
            cli.out().println("Agent at " + cli.address());
            cli.out().println("  Version:     " + server.at("Version").text());
            cli.out()
                    .println(
                            "  API:         "
                                    + server.at("ApiVersion").text()
                                    + " (oldest "
                                    + server.at("MinAPIVersion").text()
                                    + ")");
            cli.out().println("  Kernel:      " + server.at("KernelVersion").text());
        } else if (!arguments.has("client")) {
            cli.out().println("Agent: none listens at " + cli.address());
        }
        return 0;
    }

    private static Optional<Json> agent(Cli cli) throws CliException, IOException {
        if (cli.address().isDefault() && !Files.exists(cli.address().socket())) {
            return Optional.empty();
        }
        EngineClient client = cli.client();
        try (Response response = client.get(Query.of("/version"))) {
            return Optional.of(response.json());
        }
    }
}
