package dev.berth.agent.cli.run;

import dev.berth.agent.cli.args.Arguments;
import dev.berth.agent.cli.args.Flag;
import dev.berth.agent.cli.args.UsageException;
import dev.berth.agent.cli.args.VerbSpec;
import dev.berth.agent.cli.http.Query;
import dev.berth.agent.cli.http.Response;
import dev.berth.agent.cli.json.Json;
import dev.berth.agent.cli.session.Cli;
import dev.berth.agent.cli.session.CliException;
import dev.berth.agent.cli.session.Verb;
import dev.berth.agent.cli.terminal.DetachKeys;

import java.io.IOException;
import java.util.List;

/** {@code berth attach}. */
public final class AttachVerb implements Verb {
    @Override
    public VerbSpec spec() {
        return VerbSpec.of(
                        VerbSpec.Group.CONTAINERS,
                        "attach CONTAINER",
                        "Join the streams of a running container",
                        1,
                        1,
                        List.of(
                                Flag.toggle("no-stdin", "Do not send input"),
                                Flag.value(
                                        "detach-keys", "KEYS", "Keys that detach (ctrl-p,ctrl-q)"),
                                Flag.toggle(
                                        "sig-proxy",
                                        "Pass HUP, INT, TERM and USR2 on (default: true)")))
                .examples(
                        "Join, and leave with ctrl-p ctrl-q",
                        "berth attach web",
                        "Only look",
                        "berth attach --no-stdin --sig-proxy=false web");
    }

    @Override
    public int run(Cli cli, Arguments arguments) throws UsageException, CliException, IOException {
        String container = arguments.operands().get(0);
        DetachKeys keys = Attachment.keys(arguments.value("detach-keys"));
        Json inspected = inspect(cli, container);
        if (!inspected.at("State", "Running").truth()) {
            throw new CliException(
                    1, "container " + container + " does not run: berth start -a " + container);
        }
        if (inspected.at("State", "Paused").truth()) {
            throw new CliException(
                    1, "container " + container + " is paused: berth unpause " + container);
        }
        boolean tty = inspected.at("Config", "Tty").truth();
        boolean stdin = inspected.at("Config", "OpenStdin").truth() && !arguments.has("no-stdin");
        Attachment.checkTerminal(cli, tty, stdin);
        boolean signals = arguments.has("sig-proxy", true);
        return new Foreground(cli, inspected.at("Id").text(), tty, stdin, keys, signals, false)
                .join();
    }

    static Json inspect(Cli cli, String container) throws CliException, IOException {
        Query query = Query.of("/containers/" + Query.encode(container) + "/json");
        try (Response response = cli.client().get(query)) {
            return response.json();
        }
    }
}
