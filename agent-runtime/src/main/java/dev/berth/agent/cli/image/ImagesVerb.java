package dev.berth.agent.cli.image;

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

/** {@code berth images}. */
public final class ImagesVerb implements Verb {
    @Override
    public VerbSpec spec() {
        return VerbSpec.of(
                        VerbSpec.Group.IMAGES,
                        "images [NAME[:TAG]]",
                        "List images",
                        0,
                        1,
                        List.of(
                                Flag.toggle("all", "Accepted for docker's sake: all are shown")
                                        .letter('a'),
                                Flag.toggle("digests", "Show digests"),
                                Flag.toggle("no-trunc", "Show whole ids"),
                                Flag.toggle("quiet", "Print only ids").letter('q'),
                                Format.FLAG))
                .examples(
                        "All images",
                        "berth images",
                        "Names and sizes for a script",
                        "berth images --format json | jq '{RepoTags,Size}'");
    }

    @Override
    public int run(Cli cli, Arguments arguments) throws UsageException, CliException, IOException {
        boolean json = Format.isJson(arguments);
        Query query = Query.of("/images/json");
        if (!arguments.operands().isEmpty()) {
            query.with("filters", "{\"reference\":[" + Json.of(arguments.operands().get(0)) + "]}");
        }
        List<Json> images;
        try (Response response = cli.client().get(query)) {
            images = response.json().items();
        }
        if (json) {
            Format.printEach(cli, images);
        } else if (arguments.has("quiet")) {
            for (Json image : images) {
                String id = image.at("Id").text();
                cli.out().println(arguments.has("no-trunc") ? id : Human.shortId(id));
            }
        } else {
            cli.out().print(table(images, arguments, Instant.now()));
        }
        return 0;
    }

    static Table table(List<Json> images, Arguments arguments, Instant now) {
        boolean digests = arguments.has("digests");
        Table table =
                digests
                        ? new Table("REPOSITORY", "TAG", "DIGEST", "IMAGE ID", "CREATED", "SIZE")
                        : new Table("REPOSITORY", "TAG", "IMAGE ID", "CREATED", "SIZE");
        for (Json image : images) {
            String id = image.at("Id").text();
            String shownId = arguments.has("no-trunc") ? id : Human.shortId(id);
            String created = Human.ago(Instant.ofEpochSecond(image.at("Created").number()), now);
            String size = Human.size(image.at("Size").number());
            String digest = digest(image);
            List<String> tags = new ArrayList<>(image.at("RepoTags").texts());
            if (tags.isEmpty()) {
                tags.add(repository(image) + ":<none>");
            }
            for (String tag : tags) {
                int colon = tag.lastIndexOf(':');
                String name = tag.substring(0, colon);
                String version = tag.substring(colon + 1);
                if (digests) {
                    table.row(name, version, digest, shownId, created, size);
                } else {
                    table.row(name, version, shownId, created, size);
                }
            }
        }
        return table;
    }

    private static String digest(Json image) {
        List<Json> digests = image.at("RepoDigests").items();
        String first = digests.isEmpty() ? "" : digests.get(0).text();
        int at = first.indexOf('@');
        return at < 0 ? "<none>" : first.substring(at + 1);
    }

    private static String repository(Json image) {
        List<Json> digests = image.at("RepoDigests").items();
        String first = digests.isEmpty() ? "" : digests.get(0).text();
        int at = first.indexOf('@');
        return at < 0 ? "<none>" : first.substring(0, at);
    }
}
