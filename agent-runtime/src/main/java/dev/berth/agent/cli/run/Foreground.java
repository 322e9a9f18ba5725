package dev.berth.agent.cli.run;

import dev.berth.agent.cli.http.EngineException;
import dev.berth.agent.cli.http.Hijack;
import dev.berth.agent.cli.http.Query;
import dev.berth.agent.cli.http.Response;
import dev.berth.agent.cli.json.Json;
import dev.berth.agent.cli.session.Cli;
import dev.berth.agent.cli.session.CliException;
import dev.berth.agent.cli.terminal.DetachKeys;

import java.io.IOException;

/**
 * Stays with a container: attach, wait and only then start, so that neither the first byte of output nor the exit code can be missed.
 *
 * @param id the container, 64 digits
 * @param attachStdin whether the caller's input goes to it
 * @param signals whether signals are passed on
 * @param removed whether to wait for its removal too ({@code --rm})
 */
record Foreground(
        Cli cli,
        String id,
        boolean tty,
        boolean attachStdin,
        DetachKeys keys,
        boolean signals,
        boolean removed) {
    /** Starts the container and returns its exit code; 0 after detaching. */
    int start() throws CliException, IOException {
        try (Hijack stream = attach();
                Response wait = await(removed ? "removed" : "next-exit")) {
            if (signals) {
                Attachment.forwardSignals(cli, id);
            }
            try {
                cli.client().post(Query.of("/containers/" + id + "/start")).close();
            } catch (EngineException e) {
                throw new CliException(
                        ExitCodes.of(e, ExitCodes.NOT_STARTED), String.valueOf(e.getMessage()), e);
            }
            return stay(stream, wait);
        }
    }

    /** Joins a running container. */
    int join() throws CliException, IOException {
        try (Hijack stream = attach();
                Response wait = await("not-running")) {
            if (signals) {
                Attachment.forwardSignals(cli, id);
            }
            return stay(stream, wait);
        }
    }

    private Hijack attach() throws CliException, IOException {
        Query query =
                Query.of("/containers/" + id + "/attach")
                        .with("stream", "1")
                        .with("stdin", attachStdin ? "1" : "0")
                        .with("stdout", "1")
                        .with("stderr", "1");
        return cli.client().hijack(query, Json.NULL);
    }

    private Response await(String condition) throws CliException, IOException {
        return cli.client()
                .post(Query.of("/containers/" + id + "/wait").with("condition", condition));
    }

    private int stay(Hijack stream, Response wait) throws CliException, IOException {
        Attachment attachment =
                new Attachment(cli, stream, tty, keys, "/containers/" + id + "/resize");
        try {
            if (!attachment.pump(attachStdin)) {
                cli.err().println("\nberth: detached from " + id.substring(0, 12));
                return 0;
            }
            Json ended = wait.json();
            String error = ended.at("Error", "Message").text();
            if (!error.isEmpty()) {
                cli.err().println("berth: " + error);
            }
            if (ended.at("StatusCode").isNull()) {
                throw new IOException("it ended");
            }
            return (int) ended.at("StatusCode").number();
        } catch (EngineException e) {
            throw e;
        } catch (IOException e) {
            throw new CliException(
                    ExitCodes.NOT_STARTED,
                    "lost the agent ("
                            + e.getMessage()
                            + "); the container goes on without it: berth attach "
                            + id.substring(0, 12),
                    e);
        }
    }
}
