package dev.berth.agent.cli.job;

import dev.berth.agent.cli.args.Arguments;
import dev.berth.agent.cli.args.Flag;
import dev.berth.agent.cli.session.Cli;
import dev.berth.agent.cli.session.CliException;
import dev.berth.agent.cli.session.Verb;
import dev.berth.jobs.Access;
import dev.berth.jobs.JobException;
import dev.berth.jobs.MasterClient;
import dev.berth.jobs.Masters;
import dev.berth.protocol.v1.master.Protos.Call;
import dev.berth.protocol.v1.master.Protos.Response;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Flags of all verbs that talk to a master, and the way to it. */
final class MasterFlags {
    private static final String DEFAULT_MASTER = "http://127.0.0.1:5050";
    private static final Path DEFAULT_TOKEN = Path.of("/var/lib/berth/master/token");

    private static final Flag MASTER =
            Flag.value(
                    "master",
                    "URL",
                    "http://HOST:PORT, several with commas, or zk://HOST:PORT,…/PATH, or file:///FILE with such a one (default: $BERTH_MASTER, else http://127.0.0.1:5050)");
    private static final Flag TOKEN =
            Flag.value(
                    "token-file",
                    "FILE",
                    "The master's token (default: $BERTH_TOKEN_FILE, else /var/lib/berth/master/token where that is readable)");

    private MasterFlags() {}

    static List<Flag> with(Flag... own) {
        List<Flag> flags = new ArrayList<>(List.of(own));
        flags.add(MASTER);
        flags.add(TOKEN);
        return flags;
    }

    static MasterClient client(Cli cli, Arguments arguments) throws CliException {
        String master = arguments.value("master").orElse(cli.environment("BERTH_MASTER"));
        String token = arguments.value("token-file").orElse(cli.environment("BERTH_TOKEN_FILE"));
        try {
            Access access =
                    token.isEmpty()
                            ? Access.of(DEFAULT_TOKEN, false)
                            : Access.of(Path.of(token), true);
            return new MasterClient(Masters.of(master.isEmpty() ? DEFAULT_MASTER : master), access);
        } catch (JobException e) {
            throw failed(e);
        }
    }

    /** Asks one question of the operator API. */
    static Optional<Response> ask(Cli cli, Arguments arguments, Call call) throws CliException {
        try (MasterClient client = client(cli, arguments)) {
            return client.operator(call);
        } catch (JobException e) {
            throw failed(e);
        } catch (InterruptedException e) {
            throw interrupted(e);
        }
    }

    static Response ask(Cli cli, Arguments arguments, Call.Type type) throws CliException {
        return ask(cli, arguments, Call.newBuilder().setType(type).build())
                .orElse(Response.getDefaultInstance());
    }

    static CliException failed(JobException e) {
        return new CliException(Verb.FAILED_BEFORE_CONTAINER, String.valueOf(e.getMessage()), e);
    }

    static CliException interrupted(InterruptedException e) {
        Thread.currentThread().interrupt();
        return new CliException(Verb.FAILED_BEFORE_CONTAINER, "interrupted", e);
    }
}
