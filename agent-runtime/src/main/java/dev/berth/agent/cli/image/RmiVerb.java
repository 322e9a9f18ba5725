package dev.berth.agent.cli.image;

import dev.berth.agent.cli.args.Arguments;
import dev.berth.agent.cli.args.Flag;
import dev.berth.agent.cli.args.VerbSpec;
import dev.berth.agent.cli.http.EngineException;
import dev.berth.agent.cli.http.Query;
import dev.berth.agent.cli.http.Response;
import dev.berth.agent.cli.json.Json;
import dev.berth.agent.cli.session.Cli;
import dev.berth.agent.cli.session.CliException;
import dev.berth.agent.cli.session.Verb;

import java.io.IOException;
import java.util.List;

/** {@code berth rmi}. */
public final class RmiVerb implements Verb {
    @Override
    public VerbSpec spec() {
        return VerbSpec.of(
                        VerbSpec.Group.IMAGES,
                        "rmi IMAGE...",
                        "Remove tags, and images with their last tag",
                        1,
                        VerbSpec.ANY,
                        List.of(
                                Flag.toggle("force", "Also when an id has several tags")
                                        .letter('f')))
                .examples("One tag", "berth rmi debian:12", "By id", "berth rmi -f 4f53cda18c2b");
    }

    @Override
    public int run(Cli cli, Arguments arguments) throws CliException, IOException {
        int code = 0;
        for (String image : arguments.operands()) {
            Query query =
                    Query.of("/images/" + Query.encode(image))
                            .with("force", arguments.has("force") ? "1" : "0");
            try (Response response = cli.client().delete(query)) {
                for (Json line : response.json().items()) {
                    String untagged = line.at("Untagged").text();
                    cli.out()
                            .println(
                                    untagged.isEmpty()
                                            ? "Deleted: " + line.at("Deleted").text()
                                            : "Untagged: " + untagged);
                }
            } catch (EngineException e) {
                if (!(e.status() == 404 && arguments.has("force"))) {
                    cli.err().println("berth: " + e.getMessage());
                    code = 1;
                }
            }
        }
        return code;
    }
}
