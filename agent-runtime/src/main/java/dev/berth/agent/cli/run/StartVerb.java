package dev.berth.agent.cli.run;

import dev.berth.agent.cli.args.Arguments;
import dev.berth.agent.cli.args.Flag;
import dev.berth.agent.cli.args.UsageException;
import dev.berth.agent.cli.args.VerbSpec;
import dev.berth.agent.cli.http.EngineException;
import dev.berth.agent.cli.http.Query;
import dev.berth.agent.cli.json.Json;
import dev.berth.agent.cli.session.Cli;
import dev.berth.agent.cli.session.CliException;
import dev.berth.agent.cli.session.Verb;
import dev.berth.agent.cli.terminal.DetachKeys;

import java.io.IOException;
import java.util.List;

/** {@code berth start}. */
public final class StartVerb implements Verb {
    @Override
    public VerbSpec spec() {
        return VerbSpec.of(
                        VerbSpec.Group.CONTAINERS,
                        "start CONTAINER...",
                        "Start containers that were created or have ended",
                        1,
                        VerbSpec.ANY,
                        List.of(
                                Flag.toggle("attach", "Stay with it and exit as it does")
                                        .letter('a'),
                                Flag.toggle("interactive", "Send input too").letter('i'),
                                Flag.value(
                                        "detach-keys", "KEYS", "Keys that detach (ctrl-p,ctrl-q)"),
                                Flag.toggle(
                                        "sig-proxy",
                                        "Pass HUP, INT, TERM and USR2 on (default: true)")))
                .examples(
                        "Run it once more",
                        "berth start web",
                        "And watch it",
                        "berth start -a web");
    }

    @Override
    public int run(Cli cli, Arguments arguments) throws UsageException, CliException, IOException {
        DetachKeys keys = Attachment.keys(arguments.value("detach-keys"));
        if (arguments.has("interactive") || arguments.has("attach")) {
            if (arguments.operands().size() > 1) {
                throw new UsageException("--attach and --interactive take one container");
            }
            Json inspected = AttachVerb.inspect(cli, arguments.operands().get(0));
            boolean tty = inspected.at("Config", "Tty").truth();
            boolean stdin =
                    arguments.has("interactive") && inspected.at("Config", "OpenStdin").truth();
            Attachment.checkTerminal(cli, tty, stdin);
            return new Foreground(
                            cli,
                            inspected.at("Id").text(),
                            tty,
                            stdin,
                            keys,
                            arguments.has("sig-proxy", true),
                            inspected.at("HostConfig", "AutoRemove").truth())
                    .start();
        }
        int code = 0;
        for (String container : arguments.operands()) {
            Query query = Query.of("/containers/" + Query.encode(container) + "/start");
            try {
                cli.client().post(query).close();
                cli.out().println(container);
            } catch (EngineException e) {
                cli.err().println("berth: " + e.getMessage());
                code = 1;
            }
        }
        return code;
    }
}
