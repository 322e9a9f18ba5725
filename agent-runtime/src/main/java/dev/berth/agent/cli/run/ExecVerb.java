package dev.berth.agent.cli.run;

import dev.berth.agent.cli.args.Arguments;
import dev.berth.agent.cli.args.Flag;
import dev.berth.agent.cli.args.UsageException;
import dev.berth.agent.cli.args.VerbSpec;
import dev.berth.agent.cli.http.EngineException;
import dev.berth.agent.cli.http.Hijack;
import dev.berth.agent.cli.http.Query;
import dev.berth.agent.cli.http.Response;
import dev.berth.agent.cli.json.Json;
import dev.berth.agent.cli.session.Cli;
import dev.berth.agent.cli.session.CliException;
import dev.berth.agent.cli.session.Verb;
import dev.berth.agent.cli.terminal.DetachKeys;
import dev.berth.agent.cli.terminal.LocalTerminal;

import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** {@code berth exec}. */
public final class ExecVerb implements Verb {
    @Override
    public VerbSpec spec() {
        return VerbSpec.of(
                        VerbSpec.Group.CONTAINERS,
                        "exec CONTAINER COMMAND [ARG...]",
                        "Run a further command in a running container",
                        2,
                        VerbSpec.ANY,
                        List.of(
                                Flag.toggle("detach", "Do not wait for it").letter('d'),
                                Flag.toggle("interactive", "Send input").letter('i'),
                                Flag.toggle("tty", "Give it a terminal").letter('t'),
                                Flag.list("env", "NAME[=VALUE]", "Environment").letter('e'),
                                Flag.list("env-file", "FILE", "Environment from a file"),
                                Flag.value("workdir", "DIR", "Working directory").letter('w'),
                                Flag.value("user", "USER[:GROUP]", "User").letter('u'),
                                Flag.toggle("privileged", "All capabilities"),
                                Flag.value(
                                        "detach-keys", "KEYS", "Keys that detach (ctrl-p,ctrl-q)")))
                .endingFlagsAtOperand()
                .examples(
                        "A shell beside it",
                        "berth exec -it web sh",
                        "As another user",
                        "berth exec -u nobody -w /tmp web id");
    }

    @Override
    public int run(Cli cli, Arguments arguments) throws UsageException, CliException, IOException {
        boolean detach = arguments.has("detach");
        boolean stdin = arguments.has("interactive") && !detach;
        DetachKeys keys = Attachment.keys(arguments.value("detach-keys"));
        Attachment.checkTerminal(cli, arguments.has("tty"), stdin);
        Query create =
                Query.of("/containers/" + Query.encode(arguments.operands().get(0)) + "/exec");
        String id;
        try (Response response = cli.client().post(create, body(cli, arguments, stdin, detach))) {
            id = response.json().at("Id").text();
        }
        try {
            if (detach) {
                Json start = start(false, true);
                cli.client().post(Query.of("/exec/" + id + "/start"), start).close();
                return 0;
            }
            return stay(cli, id, arguments.has("tty"), stdin, keys);
        } catch (EngineException e) {
            throw new CliException(ExitCodes.of(e, 1), String.valueOf(e.getMessage()), e);
        }
    }

    private static Json body(Cli cli, Arguments arguments, boolean stdin, boolean detach)
            throws UsageException, IOException {
        Map<String, Json> body = new LinkedHashMap<>();
        List<String> operands = arguments.operands();
        body.put("Cmd", Json.texts(operands.subList(1, operands.size())));
        body.put("AttachStdin", Json.of(stdin));
        body.put("AttachStdout", Json.of(!detach));
        body.put("AttachStderr", Json.of(!detach));
        body.put("Tty", Json.of(arguments.has("tty")));
        List<String> environment = new ArrayList<>();
        for (String file : arguments.values("env-file")) {
            Environment.file(file, cli.environment(), environment);
        }
        for (String variable : arguments.values("env")) {
            Environment.add(variable, cli.environment(), environment);
        }
        if (!environment.isEmpty()) {
            body.put("Env", Json.texts(environment));
        }
        if (arguments.given("workdir")) {
            body.put("WorkingDir", Json.of(arguments.value("workdir").orElse("")));
        }
        if (arguments.given("user")) {
            body.put("User", Json.of(arguments.value("user").orElse("")));
        }
        if (arguments.has("privileged")) {
            body.put("Privileged", Json.of(true));
        }
        return Json.of(body);
    }

    private static Json start(boolean tty, boolean detach) {
        Map<String, Json> start = new LinkedHashMap<>();
        start.put("Detach", Json.of(detach));
        start.put("Tty", Json.of(tty));
        if (tty) {
            Optional<LocalTerminal.Size> size = LocalTerminal.size(1);
            if (size.isPresent()) {
                start.put("ConsoleSize", size.get().json());
            }
        }
        return Json.of(start);
    }

    private static int stay(Cli cli, String id, boolean tty, boolean stdin, DetachKeys keys)
            throws CliException, IOException {
        Query query = Query.of("/exec/" + id + "/start");
        try (Hijack stream = cli.client().hijack(query, start(tty, false))) {
            Attachment attachment =
                    new Attachment(cli, stream, tty, keys, "/exec/" + id + "/resize");
            if (!attachment.pump(stdin)) {
                return 0;
            }
        }
        try (Response response = cli.client().get(Query.of("/exec/" + id + "/json"))) {
            return (int) response.json().at("ExitCode").number();
        }
    }
}
