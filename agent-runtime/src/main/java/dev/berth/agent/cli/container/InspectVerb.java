package dev.berth.agent.cli.container;

import dev.berth.agent.cli.args.Arguments;
import dev.berth.agent.cli.args.Flag;
import dev.berth.agent.cli.args.UsageException;
import dev.berth.agent.cli.args.VerbSpec;
import dev.berth.agent.cli.http.EngineException;
import dev.berth.agent.cli.http.Query;
import dev.berth.agent.cli.http.Response;
import dev.berth.agent.cli.json.Json;
import dev.berth.agent.cli.session.Cli;
import dev.berth.agent.cli.session.CliException;
import dev.berth.agent.cli.session.Format;
import dev.berth.agent.cli.session.Verb;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/** {@code berth inspect}. */
public final class InspectVerb implements Verb {
    @Override
    public VerbSpec spec() {
        return VerbSpec.of(
                        VerbSpec.Group.CONTAINERS,
                        "inspect CONTAINER|IMAGE...",
                        "Show everything about containers or images as JSON",
                        1,
                        VerbSpec.ANY,
                        List.of(
                                Flag.value("type", "container|image", "Only look among these"),
                                Flag.value("format", "json", "json prints one object a line")
                                        .letter('f')))
                .examples(
                        "How long its start took, by stage",
                        "berth inspect --format json web | jq .Berth.Timeline");
    }

    @Override
    public int run(Cli cli, Arguments arguments) throws UsageException, CliException, IOException {
        boolean lines = Format.isJson(arguments);
        String type = arguments.value("type").orElse("");
        if (!List.of("", "container", "image").contains(type)) {
            throw new UsageException("--type: want container or image, got '" + type + "'");
        }
        List<Json> found = new ArrayList<>();
        int code = 0;
        for (String name : arguments.operands()) {
            try {
                found.add(inspect(cli, name, type));
            } catch (EngineException e) {
                cli.err().println("berth: " + e.getMessage());
                code = 1;
            }
        }
        if (lines) {
            Format.printEach(cli, found);
        } else {
            cli.out().println(Json.of(found).pretty());
        }
        return code;
    }

    private static Json inspect(Cli cli, String name, String type)
            throws CliException, IOException {
        String encoded = Query.encode(name);
        if (!type.equals("image")) {
            try (Response response =
                    cli.client().get(Query.of("/containers/" + encoded + "/json"))) {
                return response.json();
            } catch (EngineException e) {
                if (e.status() != 404 || type.equals("container")) {
                    throw e;
                }
            }
        }
        try (Response response = cli.client().get(Query.of("/images/" + encoded + "/json"))) {
            return response.json();
        } catch (EngineException e) {
            if (e.status() == 404 && type.isEmpty()) {
                throw new CliException(1, "no such container or image: " + name, e);
            }
            throw e;
        }
    }
}
