package dev.berth.agent.cli.image;

import dev.berth.agent.cli.args.Arguments;
import dev.berth.agent.cli.args.Flag;
import dev.berth.agent.cli.args.VerbSpec;
import dev.berth.agent.cli.session.Cli;
import dev.berth.agent.cli.session.CliException;
import dev.berth.agent.cli.session.Verb;

import java.io.IOException;
import java.util.List;

/** {@code berth pull}. */
public final class PullVerb implements Verb {
    @Override
    public VerbSpec spec() {
        return VerbSpec.of(
                        VerbSpec.Group.IMAGES,
                        "pull IMAGE",
                        "Pull an image from its registry",
                        1,
                        1,
                        List.of(
                                Flag.value(
                                        "platform",
                                        "OS/ARCH",
                                        "Platform, when the registry has several (linux/amd64)"),
                                Flag.toggle("quiet", "Print only the image's name").letter('q')))
                .examples(
                        "The newest Debian",
                        "berth pull debian",
                        "By digest, from a registry on this host",
                        "berth pull localhost:5000/app@sha256:…");
    }

    @Override
    public int run(Cli cli, Arguments arguments) throws CliException, IOException {
        String image = arguments.operands().get(0);
        boolean quiet = arguments.has("quiet");
        ImagePull.pull(cli, image, arguments.value("platform").orElse(""), 1, quiet);
        if (quiet) {
            cli.out().println(image);
        }
        return 0;
    }
}
