package dev.berth.agent.cli.image;

import dev.berth.agent.cli.http.Query;
import dev.berth.agent.cli.http.Response;
import dev.berth.agent.cli.json.Json;
import dev.berth.agent.cli.json.JsonReader;
import dev.berth.agent.cli.session.Cli;
import dev.berth.agent.cli.session.CliException;
import dev.berth.agent.cli.terminal.LocalTerminal;
import dev.berth.agent.cli.view.PullScreen;

import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.util.Optional;

/** Pulls an image and shows how that goes. */
public final class ImagePull {
    private ImagePull() {}

    /**
     * Pulls.
     *
     * @param image a reference; without tag and digest it means {@code latest}
     * @param platform {@code os/arch[/variant]}, empty for the agent's own
     * @param descriptor 1 or 2: where progress goes
     * @param quiet shows nothing
     * @throws CliException with the agent's message when the pull fails
     */
    public static void pull(Cli cli, String image, String platform, int descriptor, boolean quiet)
            throws CliException, IOException {
        Query query = Query.of("/images/create");
        int at = image.indexOf('@');
        int colon = image.lastIndexOf(':');
        if (at >= 0) {
            query.with("fromImage", image.substring(0, at)).with("tag", image.substring(at + 1));
        } else if (colon > image.lastIndexOf('/')) {
            query.with("fromImage", image.substring(0, colon))
                    .with("tag", image.substring(colon + 1));
        } else {
            query.with("fromImage", image).with("tag", "latest");
        }
        query.withNonEmpty("platform", platform);
        try (Response response = cli.client().post(query, RegistryLogin.headers(cli, image))) {
            follow(cli, response.body(), descriptor, quiet);
        }
    }

    /** Shows a stream of progress messages until its end. */
    static void follow(Cli cli, InputStream messages, int descriptor, boolean quiet)
            throws CliException, IOException {
        PrintStream out = descriptor == 1 ? cli.out() : cli.err();
        boolean terminal = cli.isTerminal(descriptor);
        int columns = 80;
        if (terminal) {
            Optional<LocalTerminal.Size> size = LocalTerminal.size(descriptor);
            if (size.isPresent()) {
                columns = size.get().columns();
            }
        }
        PullScreen screen = new PullScreen(out, terminal, columns);
        JsonReader reader = new JsonReader(messages);
        for (Optional<Json> next = reader.next(); next.isPresent(); next = reader.next()) {
            Json message = next.get();
            String error = message.at("errorDetail", "message").text(message.at("error").text());
            if (!error.isEmpty()) {
                throw new CliException(1, error);
            }
            if (!quiet) {
                screen.show(message);
                out.flush();
            }
        }
    }
}
