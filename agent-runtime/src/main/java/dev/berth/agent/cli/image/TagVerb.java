package dev.berth.agent.cli.image;

import dev.berth.agent.cli.args.Arguments;
import dev.berth.agent.cli.args.VerbSpec;
import dev.berth.agent.cli.http.Query;
import dev.berth.agent.cli.session.Cli;
import dev.berth.agent.cli.session.CliException;
import dev.berth.agent.cli.session.Verb;

import java.io.IOException;
import java.util.List;

/** {@code berth tag}. */
public final class TagVerb implements Verb {
    @Override
    public VerbSpec spec() {
        return VerbSpec.of(
                        VerbSpec.Group.IMAGES,
                        "tag IMAGE NAME[:TAG]",
                        "Give an image a further name",
                        2,
                        2,
                        List.of())
                .examples("Keep a version by name", "berth tag debian:latest debian:tested");
    }

    @Override
    public int run(Cli cli, Arguments arguments) throws CliException, IOException {
        String name = arguments.operands().get(1);
        int colon = name.lastIndexOf(':');
        boolean tagged = colon > name.lastIndexOf('/');
        Query query =
                Query.of("/images/" + Query.encode(arguments.operands().get(0)) + "/tag")
                        .with("repo", tagged ? name.substring(0, colon) : name)
                        .with("tag", tagged ? name.substring(colon + 1) : "latest");
        cli.client().post(query).close();
        return 0;
    }
}
