package dev.berth.agent.operator;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.InvalidProtocolBufferException;

import dev.berth.agent.config.AgentException;
import dev.berth.agent.operator.OperatorExchange.Request;
import dev.berth.linux.Linux;
import dev.berth.protocol.MesosJsonReader;
import dev.berth.protocol.ProtocolException;
import dev.berth.protocol.v1.agent.Protos.Call;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Objects;
import java.util.Optional;

/** Which request is for what. As in Mesos the process's name may come first, and a deeper path is its nearest ancestor's. */
final class OperatorRoutes {
    private static final String PROCESS = "/slave(1)";

    private final OperatorToken token;
    private final Linux linux;
    private volatile Optional<AgentState> serving = Optional.empty();

    OperatorRoutes(OperatorToken token, Linux linux) {
        this.token = token;
        this.linux = linux;
    }

    void serve(AgentState state) {
        serving = Optional.of(state);
    }

    private interface FileStep {
        void run(SandboxFiles files) throws AgentException;
    }

    void handle(Request request) throws AgentException {
        String path =
                request.path.startsWith(PROCESS) ? request.path.substring(8 + 1) : request.path;
        if (path.equals("/health")) {
            request.text(200, "");
            return;
        }
        if (!token.admits(request.authorization)) {
            request.text(
                    401,
                    "show the token: Authorization: Bearer TOKEN, as in the agent's DATA-ROOT/token",
                    "WWW-Authenticate",
                    "Basic realm=\"mesos-agent-readwrite\"");
            return;
        }
        if (serving.isEmpty()) {
            request.text(503, "Agent has not finished recovery");
            return;
        }
        AgentState state = serving.get();
        if (is(path, "/api/v1")) {
            call(request, state);
        } else if (!request.method.equals("GET") && !request.method.equals("HEAD")) {
            request.text(405, "want GET, got " + request.method, "Allow", "GET");
        } else {
            page(request, path, state);
        }
    }

    private static boolean is(String path, String route) {
        return path.equals(route) || path.startsWith(route + "/");
    }

    private void page(Request request, String path, AgentState state) throws AgentException {
        if (is(path, "/state") || path.equals("/state.json")) {
            state.look(now -> json(request, StatePages.state(now)));
        } else if (is(path, "/metrics/snapshot")) {
            state.look(now -> json(request, StatePages.metrics(now)));
        } else if (path.equals("/metrics")) {
            request.answer(
                    200,
                    "text/plain; version=0.0.4; charset=utf-8",
                    state.exposition().getBytes(StandardCharsets.UTF_8));
        } else if (is(path, "/version")) {
            state.look(now ->
                    json(
                            request,
                            JsonNodeFactory.instance.objectNode().put("version", now.version())));
        } else if (is(path, "/files/browse") || path.equals("/files/browse.json")) {
            files(request, state, request.parameter("path"), files -> browse(request, files));
        } else if (is(path, "/files/read") || path.equals("/files/read.json")) {
            files(request, state, request.parameter("path"), files -> read(request, files));
        } else if (is(path, "/files/download") || path.equals("/files/download.json")) {
            files(request, state, request.parameter("path"), files -> download(request, files));
        } else {
            request.text(404, "no such page: " + path);
        }
    }

    private static void json(Request request, JsonNode node) {
        request.answer(
                200, OperatorExchange.JSON, node.toString().getBytes(StandardCharsets.UTF_8));
    }

    /** Runs a step on the lane, with the output of a running task fresh. */
    private void files(Request request, AgentState state, String path, FileStep step)
            throws AgentException {
        if (path.isEmpty()) {
            throw AgentException.invalid("Expecting 'path=value' in query");
        }
        SandboxFiles files = new SandboxFiles(linux, state.sandboxes());
        Path asked = state.sandboxes().resolve(files.below(path));
        state.onLane(() -> {
            // The sandbox by its real name: "latest" is a link.
            Path directory = Objects.requireNonNull(asked.getParent(), "below the sandboxes");
            try {
                directory = directory.toRealPath();
            } catch (java.io.IOException _) {
                // What is not there is told by the step.
            }
            state.freshOutput(
                    directory,
                    () ->
                            state.onLane(() -> {
                                try {
                                    step.run(files);
                                } catch (AgentException e) {
                                    request.fail(e);
                                }
                            }));
        });
    }

    private static void browse(Request request, SandboxFiles files) throws AgentException {
        ArrayNode out = JsonNodeFactory.instance.arrayNode();
        for (SandboxFiles.Entry entry : files.list(request.parameter("path"))) {
            out.add(StatePages.file(entry));
        }
        json(request, out);
    }

    private static long number(Request request, String name, long fallback) throws AgentException {
        String text = request.parameter(name);
        if (text.isEmpty()) {
            return fallback;
        }
        try {
            return Long.parseLong(text);
        } catch (NumberFormatException e) {
            throw new AgentException(
                    AgentException.Kind.INVALID,
                    "Failed to parse " + name + ": \"" + text + "\"",
                    e);
        }
    }

    private static void read(Request request, SandboxFiles files) throws AgentException {
        long offset = number(request, "offset", -1);
        long length = number(request, "length", -1);
        SandboxFiles.Piece piece =
                files.read(request.parameter("path"), offset, length < 0 ? Long.MAX_VALUE : length);
        json(
                request,
                JsonNodeFactory.instance
                        .objectNode()
                        .put("offset", offset < 0 ? piece.sizeBytes() : offset)
                        .put("data", new String(piece.data(), StandardCharsets.UTF_8)));
    }

    private static void download(Request request, SandboxFiles files) throws AgentException {
        String path = request.parameter("path");
        SandboxFiles.Piece piece = files.read(path, 0, Long.MAX_VALUE);
        if (piece.sizeBytes() > piece.data().length) {
            throw AgentException.refused(
                    "the download of a file above 1 MiB", "read it piece by piece: /files/read");
        }
        request.answer(
                200,
                "application/octet-stream",
                piece.data(),
                "Content-Disposition",
                "attachment; filename="
                        + Path.of(path).getFileName().toString().replaceAll("[^\\w.-]", "_"));
    }

    private void call(Request request, AgentState state) throws AgentException {
        if (!request.method.equals("POST")) {
            request.text(405, "want POST, got " + request.method, "Allow", "POST");
            return;
        }
        String type = request.contentType.toLowerCase(Locale.ROOT).split(";", 2)[0].strip();
        if (type.isEmpty()) {
            throw AgentException.invalid("Expecting 'Content-Type' to be present");
        }
        if (!type.equals(OperatorExchange.JSON) && !type.equals(OperatorExchange.PROTOBUF)) {
            request.text(
                    415, "Expecting 'Content-Type' of application/json or application/x-protobuf");
            return;
        }
        // Only bodies and answers in RecordIO say what their records are, and those are not there.
        if (!request.messageType.isEmpty()) {
            request.text(415, "Expecting 'Message-Content-Type' not to be present");
            return;
        }
        boolean acceptable =
                request.messageAccept.isEmpty()
                        && (request.takes(OperatorExchange.JSON)
                                || request.takes(OperatorExchange.PROTOBUF));
        if (!acceptable) {
            request.text(
                    406, "Expecting 'Accept' to allow application/json or application/x-protobuf");
            return;
        }
        Call call = parse(request.body, type.equals(OperatorExchange.JSON));
        complete(call);
        switch (call.getType()) {
            case LIST_FILES -> {
                String path = call.getListFiles().getPath();
                files(
                        request,
                        state,
                        path,
                        files -> request.message(OperatorCalls.list(files, path)));
            }
            case READ_FILE ->
                    files(
                            request,
                            state,
                            call.getReadFile().getPath(),
                            files ->
                                    request.message(OperatorCalls.read(files, call.getReadFile())));
            default ->
                    state.look(now ->
                            OperatorCalls.answer(call, now)
                                    .ifPresentOrElse(
                                            request::message,
                                            () ->
                                                    request.text(
                                                            501,
                                                            "the call "
                                                                    + call.getType()
                                                                    + " is not implemented by Berth yet")));
        }
    }

    /** A call's own field is named as its type is; all but two are mandatory, also of calls that are not there yet. */
    private static void complete(Call call) throws AgentException {
        String name = call.getType().name().toLowerCase(Locale.ROOT);
        FieldDescriptor field = Call.getDescriptor().findFieldByName(name);
        if (field != null
                && call.getType() != Call.Type.GET_CONTAINERS
                && call.getType() != Call.Type.PRUNE_IMAGES) {
            need(call.hasField(field), name);
        }
    }

    private static void need(boolean there, String field) throws AgentException {
        if (!there) {
            throw AgentException.invalid("Expecting '" + field + "' to be present");
        }
    }

    private static Call parse(byte[] body, boolean json) throws AgentException {
        try {
            Call call =
                    json
                            ? MesosJsonReader.read(body, Call.getDefaultInstance())
                            : Call.parseFrom(body);
            need(call.hasType(), "type");
            return call;
        } catch (ProtocolException | InvalidProtocolBufferException e) {
            throw new AgentException(
                    AgentException.Kind.INVALID, "Failed to parse body: " + e.getMessage(), e);
        }
    }
}
