package dev.berth.agent.operator;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.google.protobuf.Descriptors.FieldDescriptor;

import dev.berth.agent.conductor.FileLane;
import dev.berth.agent.config.AgentException;
import dev.berth.http.Encoding;
import dev.berth.http.Reply;
import dev.berth.linux.Linux;
import dev.berth.protocol.ApiVersion;
import dev.berth.protocol.ProtocolException;
import dev.berth.protocol.v1.agent.Protos.Call;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Optional;

/**
 * What requests do, once their heads have passed and their bodies are whole.
 *
 * <p>Thread: entered on the loop. Pictures come from the conductor, and are written on the loop again; files are read on the lane.
 */
final class OperatorRoutes {
    private static final String PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8";

    private final Linux linux;
    private final FileLane lane;
    private volatile Optional<AgentState> serving = Optional.empty();

    /** @param lane for what may block on files */
    OperatorRoutes(Linux linux, FileLane lane) {
        this.linux = linux;
        this.lane = lane;
    }

    void serve(AgentState state) {
        serving = Optional.of(state);
    }

    boolean isServing() {
        return serving.isPresent();
    }

    private interface FileStep {
        void run(SandboxFiles files) throws AgentException;
    }

    private interface Look {
        void at(AgentState.Picture now) throws AgentException;
    }

    /** @param body of calls only */
    void handle(OperatorRequest request, byte[] body) throws AgentException {
        switch (request.endpoint()) {
            case HEALTH -> request.answer(Reply.empty(200));
            case VERSION ->
                    json(
                            request,
                            JsonNodeFactory.instance.objectNode().put("version", ApiVersion.MESOS));
            case CALL -> call(request, body);
            case STATE -> look(request, now -> json(request, StatePages.state(now)));
            case METRICS_SNAPSHOT -> look(request, now -> json(request, StatePages.metrics(now)));
            case PROMETHEUS ->
                    request.answer(
                            Reply.of(
                                    200,
                                    PROMETHEUS,
                                    state().exposition().getBytes(StandardCharsets.UTF_8)));
            case BROWSE ->
                    files(request, request.parameter("path"), files -> browse(request, files));
            case READ -> {
                long offset = number(request, "offset");
                long length = number(request, "length");
                files(
                        request,
                        request.parameter("path"),
                        files -> read(request, files, offset, length));
            }
            case DOWNLOAD ->
                    files(request, request.parameter("path"), files -> download(request, files));
        }
    }

    private AgentState state() throws AgentException {
        return serving.orElseThrow(() -> AgentException.conflict("the agent is not ready"));
    }

    /** With a picture of the agent; the conductor has better to do than to write it down. */
    private void look(OperatorRequest request, Look look) throws AgentException {
        state().look(now -> request.later(() -> look.at(now)));
    }

    private static void json(OperatorRequest request, JsonNode node) {
        request.answer(
                Reply.of(
                        200,
                        Encoding.JSON.mediaType(),
                        node.toString().getBytes(StandardCharsets.UTF_8)));
    }

    /** Runs a step on the lane, with the output of a running task fresh. */
    private void files(OperatorRequest request, String path, FileStep step) throws AgentException {
        if (path.isEmpty()) {
            throw AgentException.invalid("Expecting 'path=value' in query");
        }
        AgentState state = state();
        SandboxFiles files = new SandboxFiles(linux, state.sandboxes());
        files.below(path);
        lane.run(() ->
                request.attempt(() -> {
                    Optional<Path> sandbox = files.sandbox(path);
                    Runnable then = () -> lane.run(() -> request.attempt(() -> step.run(files)));
                    sandbox.ifPresentOrElse(of -> state.freshOutput(of, then), then);
                }));
    }

    private static void browse(OperatorRequest request, SandboxFiles files) throws AgentException {
        ArrayNode out = JsonNodeFactory.instance.arrayNode();
        for (SandboxFiles.Entry entry : files.list(request.parameter("path"))) {
            out.add(StatePages.file(entry));
        }
        json(request, out);
    }

    /** -1 when it is not there, as when that is said. */
    private static long number(OperatorRequest request, String name) throws AgentException {
        String text = request.parameter(name);
        long value;
        try {
            value = text.isEmpty() ? -1 : Long.parseLong(text);
        } catch (NumberFormatException e) {
            throw new AgentException(
                    AgentException.Kind.INVALID,
                    "Failed to parse " + name + ": \"" + text + "\"",
                    e);
        }
        if (value < -1) {
            throw AgentException.invalid("Negative " + name + " provided: " + value);
        }
        return value;
    }

    /** Without an offset the size is told. */
    private static void read(OperatorRequest request, SandboxFiles files, long offset, long length)
            throws AgentException {
        SandboxFiles.Piece piece =
                files.read(request.parameter("path"), offset, length < 0 ? Long.MAX_VALUE : length);
        json(
                request,
                JsonNodeFactory.instance
                        .objectNode()
                        .put("offset", offset < 0 ? piece.sizeBytes() : offset)
                        .put("data", new String(piece.data(), StandardCharsets.UTF_8)));
    }

    private static void download(OperatorRequest request, SandboxFiles files)
            throws AgentException {
        String path = request.parameter("path");
        SandboxFiles.Piece piece = files.read(path, 0, Long.MAX_VALUE);
        if (piece.sizeBytes() > piece.data().length) {
            throw AgentException.refused(
                    "the download of a file above 1 MiB", "read it piece by piece: /files/read");
        }
        request.answer(
                Reply.of(200, "application/octet-stream", piece.data())
                        .with(
                                "Content-Disposition",
                                "attachment; filename="
                                        + files.below(path).getLast().replaceAll("[^\\w.-]", "_")));
    }

    private void call(OperatorRequest request, byte[] body) throws AgentException {
        Call call = parse(body, request.said().encoding());
        complete(call);
        Call.Type type = call.getType();
        boolean takesRecords = type == Call.Type.ATTACH_CONTAINER_INPUT;
        if (request.said().records() != takesRecords) {
            request.answer(
                    Reply.text(
                            415,
                            "Expecting 'Content-Type' "
                                    + (takesRecords
                                            ? "of application/recordio for "
                                            : "not to be application/recordio for ")
                                    + type));
            return;
        }
        boolean givesRecords =
                type == Call.Type.ATTACH_CONTAINER_OUTPUT
                        || type == Call.Type.LAUNCH_NESTED_CONTAINER_SESSION;
        if (request.wanted().records() && !givesRecords) {
            request.answer(
                    Reply.text(
                            406, "Expecting 'Accept' not to be application/recordio for " + type));
            return;
        }
        switch (type) {
            case LIST_FILES -> {
                String path = call.getListFiles().getPath();
                files(request, path, files -> request.message(OperatorCalls.list(files, path)));
            }
            case READ_FILE ->
                    files(
                            request,
                            call.getReadFile().getPath(),
                            files ->
                                    request.message(OperatorCalls.read(files, call.getReadFile())));
            default -> look(request, now -> answer(request, call, now));
        }
    }

    private static void answer(OperatorRequest request, Call call, AgentState.Picture now) {
        OperatorCalls.answer(call, now)
                .ifPresentOrElse(
                        request::message,
                        () ->
                                request.answer(
                                        Reply.text(
                                                501,
                                                "the call "
                                                        + call.getType()
                                                        + " is not implemented by Berth yet")));
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

    private static Call parse(byte[] body, Encoding encoding) throws AgentException {
        try {
            Call call = encoding.read(body, Call.getDefaultInstance());
            need(call.hasType(), "type");
            return call;
        } catch (ProtocolException e) {
            throw new AgentException(
                    AgentException.Kind.INVALID, "Failed to parse body: " + e.getMessage(), e);
        }
    }
}
