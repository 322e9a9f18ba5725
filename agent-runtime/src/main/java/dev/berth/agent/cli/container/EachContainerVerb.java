package dev.berth.agent.cli.container;

import dev.berth.agent.cli.args.Arguments;
import dev.berth.agent.cli.args.Flag;
import dev.berth.agent.cli.args.UsageException;
import dev.berth.agent.cli.args.VerbSpec;
import dev.berth.agent.cli.http.EngineException;
import dev.berth.agent.cli.http.Query;
import dev.berth.agent.cli.http.Response;
import dev.berth.agent.cli.session.Cli;
import dev.berth.agent.cli.session.CliException;
import dev.berth.agent.cli.session.Verb;

import java.io.IOException;
import java.util.List;

/** Verbs that do one thing to each container that is named: {@code stop kill restart pause unpause rm wait}. */
public final class EachContainerVerb implements Verb {
    /** Which of them. */
    public enum Action {
        STOP,
        KILL,
        RESTART,
        PAUSE,
        UNPAUSE,
        RM,
        WAIT
    }

    private final Action action;

    public EachContainerVerb(Action action) {
        this.action = action;
    }

    @Override
    public VerbSpec spec() {
        return switch (action) {
            case STOP ->
                    verb(
                                    "stop CONTAINER...",
                                    "Ask containers to end, and kill those that do not",
                                    Flag.value(
                                                    "time",
                                                    "SECONDS",
                                                    "How long to wait before killing (default: the container's own, else 10; -1 for ever)")
                                            .letter('t')
                                            .also("timeout"),
                                    Flag.value("signal", "SIGNAL", "What to send first")
                                            .letter('s'))
                            .examples("Give it a minute", "berth stop -t 60 db");
            case KILL ->
                    verb(
                                    "kill CONTAINER...",
                                    "Send a signal to containers (default: KILL)",
                                    Flag.value("signal", "SIGNAL", "Name or number").letter('s'))
                            .examples("Make it read its configuration", "berth kill -s HUP web");
            case RESTART ->
                    verb(
                                    "restart CONTAINER...",
                                    "Stop containers and start them again",
                                    Flag.value("time", "SECONDS", "As for stop")
                                            .letter('t')
                                            .also("timeout"),
                                    Flag.value("signal", "SIGNAL", "As for stop").letter('s'))
                            .examples("At once", "berth restart -t 0 web");
            case PAUSE ->
                    verb("pause CONTAINER...", "Freeze all processes of containers")
                            .examples("Hold it", "berth pause batch");
            case UNPAUSE ->
                    verb("unpause CONTAINER...", "Let frozen containers go on")
                            .examples("Let it go on", "berth unpause batch");
            case RM ->
                    verb(
                                    "rm CONTAINER...",
                                    "Remove containers",
                                    Flag.toggle("force", "Kill those that run").letter('f'),
                                    Flag.toggle("volumes", "Also their anonymous volumes")
                                            .letter('v'))
                            .examples("Whatever it does", "berth rm -f web");
            case WAIT ->
                    verb("wait CONTAINER...", "Wait until containers end; print their exit codes")
                            .examples("For one", "berth wait batch");
        };
    }

    private static VerbSpec verb(String usage, String summary, Flag... flags) {
        return VerbSpec.of(
                VerbSpec.Group.CONTAINERS, usage, summary, 1, VerbSpec.ANY, List.of(flags));
    }

    @Override
    public int run(Cli cli, Arguments arguments) throws UsageException, CliException, IOException {
        int code = 0;
        for (String container : arguments.operands()) {
            try {
                String printed = one(cli, arguments, container);
                cli.out().println(printed);
                cli.out().flush();
            } catch (EngineException e) {
                if (!(action == Action.RM && e.status() == 404 && arguments.has("force"))) {
                    cli.err().println("berth: " + e.getMessage());
                    code = 1;
                }
            }
        }
        return code;
    }

    private String one(Cli cli, Arguments arguments, String container)
            throws UsageException, CliException, IOException {
        String path = "/containers/" + Query.encode(container);
        if (action == Action.RM) {
            Query query =
                    Query.of(path)
                            .with("force", arguments.has("force") ? "1" : "0")
                            .with("v", arguments.has("volumes") ? "1" : "0");
            cli.client().delete(query).close();
            return container;
        }
        Query query = Query.of(path + "/" + spec().name());
        if (arguments.given("time")) {
            query.with("t", Long.toString(arguments.number("time", 0, -1)));
        }
        query.withNonEmpty("signal", arguments.value("signal").orElse(""));
        try (Response response = cli.client().post(query)) {
            if (action == Action.WAIT) {
                return response.json().at("StatusCode").text();
            }
            response.text();
            return container;
        }
    }
}
