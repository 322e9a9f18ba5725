package dev.berth.agent.cli.run;

import dev.berth.agent.cli.args.Arguments;
import dev.berth.agent.cli.args.Flag;
import dev.berth.agent.cli.args.UsageException;
import dev.berth.agent.cli.args.VerbSpec;
import dev.berth.agent.cli.http.EngineException;
import dev.berth.agent.cli.http.Query;
import dev.berth.agent.cli.http.Response;
import dev.berth.agent.cli.image.ImagePull;
import dev.berth.agent.cli.json.Json;
import dev.berth.agent.cli.session.Cli;
import dev.berth.agent.cli.session.CliException;
import dev.berth.agent.cli.session.Verb;
import dev.berth.agent.cli.terminal.DetachKeys;
import dev.berth.agent.cli.terminal.LocalTerminal;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** {@code berth run}, {@code berth create} and {@code berth plan}: one set of flags. */
public final class RunVerb implements Verb {
    /** Which of them. */
    public enum Kind {
        RUN,
        CREATE,
        PLAN
    }

    private final Kind kind;

    public RunVerb(Kind kind) {
        this.kind = kind;
    }

    @Override
    public int failureCode() {
        return kind == Kind.RUN ? ExitCodes.NOT_STARTED : 1;
    }

    @Override
    public VerbSpec spec() {
        List<Flag> flags = new ArrayList<>();
        if (kind == Kind.RUN) {
            flags.add(
                    Flag.toggle("detach", "Return at once and print the container's id")
                            .letter('d'));
        }
        flags.addAll(CreateFlags.all());
        if (kind == Kind.RUN) {
            flags.add(Flag.value("detach-keys", "KEYS", "Keys that detach (ctrl-p,ctrl-q)"));
            flags.add(Flag.toggle("sig-proxy", "Pass HUP, INT, TERM and USR2 on (default: true)"));
            flags.add(Flag.toggle("plan", "Print what would be done, system call by system call"));
        }
        String operands = " IMAGE [COMMAND] [ARG...]";
        return switch (kind) {
            case RUN ->
                    verb("run" + operands, "Run a command in a new container", flags)
                            .examples(
                                    "A shell",
                                    "berth run -it --rm debian bash",
                                    "In the background, with limits",
                                    "berth run -d --name web --memory 256m --cpus 0.5 --network host nginx",
                                    "Two GPUs of its own, the nearest that are free",
                                    "berth run --rm --gpus 2 nvidia/cuda:13.0.0-base-ubuntu24.04 nvidia-smi -L",
                                    "A host directory as root, no image",
                                    "berth run --rm --rootfs /srv/root /bin/sh -c 'echo hello'",
                                    "Only look at what would be done",
                                    "berth run --plan --read-only debian true");
            case CREATE ->
                    verb("create" + operands, "Make a container without starting it", flags)
                            .examples("Start it later", "berth start $(berth create debian true)");
            case PLAN ->
                    verb(
                                    "plan" + operands,
                                    "Print what run would do, system call by system call",
                                    flags)
                            .examples(
                                    "What a tmpfs changes",
                                    "diff <(berth plan debian) <(berth plan --tmpfs /run debian)");
        };
    }

    private static VerbSpec verb(String usage, String summary, List<Flag> flags) {
        return VerbSpec.of(VerbSpec.Group.CONTAINERS, usage, summary, 0, VerbSpec.ANY, flags)
                .endingFlagsAtOperand();
    }

    @Override
    public int run(Cli cli, Arguments arguments) throws UsageException, CliException, IOException {
        boolean attach = kind == Kind.RUN && !arguments.has("detach");
        DetachKeys keys = Attachment.keys(arguments.value("detach-keys"));
        boolean tty = arguments.has("tty");
        Json body = CreateBody.of(cli, arguments, attach);
        if (kind == Kind.PLAN || arguments.has("plan")) {
            cli.out().print(plan(cli, arguments, body));
            return 0;
        }
        boolean stdin = attach && arguments.has("interactive");
        Attachment.checkTerminal(cli, tty, stdin);
        if (tty && attach) {
            body = withConsoleSize(body);
        }
        String id = createNew(cli, arguments, body);
        if (kind == Kind.CREATE) {
            cli.out().println(id);
            return 0;
        }
        if (attach) {
            boolean signals = arguments.has("sig-proxy", true);
            return new Foreground(cli, id, tty, stdin, keys, signals, arguments.has("rm")).start();
        }
        try {
            cli.client().post(Query.of("/containers/" + id + "/start")).close();
        } catch (EngineException e) {
            throw new CliException(
                    ExitCodes.of(e, ExitCodes.NOT_STARTED), String.valueOf(e.getMessage()), e);
        }
        cli.out().println(id);
        return 0;
    }

    private static String plan(Cli cli, Arguments arguments, Json body)
            throws UsageException, CliException, IOException {
        Query query =
                Query.of("/berth/plan")
                        .withNonEmpty("platform", arguments.value("platform").orElse(""));
        try (Response response = withImage(cli, arguments, query, body)) {
            return response.text();
        }
    }

    private static String createNew(Cli cli, Arguments arguments, Json body)
            throws UsageException, CliException, IOException {
        Optional<String> idFile = arguments.value("cidfile");
        if (idFile.isPresent() && Files.exists(Path.of(idFile.get()))) {
            throw new CliException(
                    ExitCodes.NOT_STARTED, "--cidfile: " + idFile.get() + " exists already");
        }
        Query query =
                Query.of("/containers/create")
                        .withNonEmpty("name", arguments.value("name").orElse(""))
                        .withNonEmpty("platform", arguments.value("platform").orElse(""));
        Json created;
        try (Response response = withImage(cli, arguments, query, body)) {
            created = response.json();
        }
        for (String warning : created.at("Warnings").texts()) {
            cli.err().println("berth: warning: " + warning);
        }
        String id = created.at("Id").text();
        if (idFile.isPresent()) {
            Files.writeString(
                    Path.of(idFile.get()),
                    id,
                    StandardCharsets.UTF_8,
                    StandardOpenOption.CREATE_NEW);
        }
        return id;
    }

    /** Posts, pulling the image before (always) or when it turns out to be missing. */
    private static Response withImage(Cli cli, Arguments arguments, Query query, Json body)
            throws UsageException, CliException, IOException {
        String image = CreateBody.image(arguments);
        String policy = arguments.value("pull").orElse("missing");
        if (!List.of("missing", "always", "never").contains(policy)) {
            throw new UsageException("--pull: want missing, always or never, got '" + policy + "'");
        }
        if (policy.equals("always") && !image.isEmpty()) {
            pull(cli, arguments, image);
        }
        try {
            return cli.client().post(query, body);
        } catch (EngineException e) {
            if (e.status() != 404 || image.isEmpty() || !policy.equals("missing")) {
                throw e;
            }
            cli.err().println("Unable to find image '" + image + "' locally");
            pull(cli, arguments, image);
            return cli.client().post(query, body);
        }
    }

    private static void pull(Cli cli, Arguments arguments, String image)
            throws CliException, IOException {
        try {
            ImagePull.pull(cli, image, arguments.value("platform").orElse(""), 2, false);
        } catch (CliException e) {
            throw new CliException(ExitCodes.NOT_STARTED, String.valueOf(e.getMessage()), e);
        }
    }

    private static Json withConsoleSize(Json body) {
        Optional<LocalTerminal.Size> size = LocalTerminal.size(1);
        if (size.isEmpty()) {
            return body;
        }
        Map<String, Json> host = new LinkedHashMap<>(body.at("HostConfig").members());
        host.put("ConsoleSize", size.get().json());
        Map<String, Json> sized = new LinkedHashMap<>(body.members());
        sized.put("HostConfig", Json.of(host));
        return Json.of(sized);
    }
}
