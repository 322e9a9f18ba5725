package dev.berth.agent.cli.image;

import dev.berth.agent.cli.args.Arguments;
import dev.berth.agent.cli.args.Flag;
import dev.berth.agent.cli.args.UsageException;
import dev.berth.agent.cli.args.VerbSpec;
import dev.berth.agent.cli.http.Query;
import dev.berth.agent.cli.http.Response;
import dev.berth.agent.cli.session.Cli;
import dev.berth.agent.cli.session.CliException;
import dev.berth.agent.cli.session.Verb;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/** {@code berth load}. */
public final class LoadVerb implements Verb {
    @Override
    public VerbSpec spec() {
        return VerbSpec.of(
                        VerbSpec.Group.IMAGES,
                        "load [FILE]",
                        "Load images from a docker-archive or OCI archive (tar, also gzip or zstd)",
                        0,
                        1,
                        List.of(
                                Flag.value(
                                                "input",
                                                "FILE",
                                                "Archive to read (default: standard input)")
                                        .letter('i'),
                                Flag.toggle("quiet", "Do not show progress").letter('q')))
                .examples(
                        "An archive that docker or skopeo made",
                        "berth load -i image.tar",
                        "From another program",
                        "zstd -dc image.tar.zst | berth load");
    }

    @Override
    public int run(Cli cli, Arguments arguments) throws UsageException, CliException, IOException {
        Optional<String> file = arguments.value("input");
        if (file.isEmpty() && !arguments.operands().isEmpty()) {
            file = Optional.of(arguments.operands().get(0));
        }
        if (file.isEmpty() && cli.isTerminal(0)) {
            throw new UsageException("name an archive, or pipe one into standard input");
        }
        try (InputStream content =
                file.isPresent() ? Files.newInputStream(Path.of(file.get())) : cli.in()) {
            load(cli, content, arguments.has("quiet"));
        } catch (NoSuchFileException e) {
            throw new CliException(1, "no such file: " + e.getFile(), e);
        }
        return 0;
    }

    private static void load(Cli cli, InputStream content, boolean quiet)
            throws CliException, IOException {
        Query query = Query.of("/images/load").with("quiet", quiet ? "1" : "0");
        try (Response response = cli.client().upload(query, content, "application/x-tar")) {
            ImagePull.follow(cli, response.body(), 1, false);
        }
    }
}
