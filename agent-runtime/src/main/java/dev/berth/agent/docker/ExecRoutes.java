package dev.berth.agent.docker;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;

import dev.berth.agent.conductor.ExecRequest;
import dev.berth.agent.conductor.ExecView;
import dev.berth.agent.config.AgentException;
import dev.berth.agent.config.Fields;

/** Execs: create, start, resize, inspect. */
final class ExecRoutes {
    private ExecRoutes() {}

    static void add(Route.Table table) {
        table.add("POST", "/containers/*/exec", ExecRoutes::create);
        table.add("POST", "/exec/*/start", ExecRoutes::start);
        table.add("POST", "/exec/*/resize", ExecRoutes::resize);
        table.add("GET", "/exec/*/json", ExecRoutes::inspect);
    }

    private static void create(Exchange exchange) throws AgentException {
        JsonNode body = exchange.json();
        Fields fields = new Fields(body, "exec");
        DetachKeys.parse(fields.text("DetachKeys"));
        ExecRequest request =
                new ExecRequest(
                        fields.words("Cmd").orElse(java.util.List.of()),
                        fields.list("Env"),
                        fields.text("WorkingDir"),
                        fields.text("User"),
                        fields.flag("Tty"),
                        fields.flag("AttachStdin"),
                        fields.flag("AttachStdout"),
                        fields.flag("AttachStderr"),
                        fields.flag("Privileged"),
                        body.path("ConsoleSize").path(0).asInt(0),
                        body.path("ConsoleSize").path(1).asInt(0),
                        fields.text("DetachKeys"));
        if (!request.workingDir().isEmpty() && !request.workingDir().startsWith("/")) {
            throw AgentException.invalid(
                    "the working directory '" + request.workingDir() + "' must be absolute");
        }
        exchange.context()
                .conductor()
                .execCreate(
                        exchange.star(0),
                        request,
                        exchange.then(id ->
                                exchange.answer(
                                        201, JsonNodeFactory.instance.objectNode().put("Id", id))));
    }

    private static void start(Exchange exchange) throws AgentException {
        ExecView view = exchange.context().execs().resolve(exchange.star(0));
        JsonNode body = exchange.json();
        Fields fields = new Fields(body, "exec");
        if (view.state() != ExecView.State.CREATED) {
            throw AgentException.conflict("exec " + view.id() + " has already been started");
        }
        if (fields.has("Tty") && fields.flag("Tty") != view.request().tty()) {
            throw AgentException.invalid("exec: Tty of start and create must be the same");
        }
        int rows = body.path("ConsoleSize").path(0).asInt(view.request().rows());
        int columns = body.path("ConsoleSize").path(1).asInt(view.request().columns());
        ExecSession session = new ExecSession(exchange, view.request(), fields.flag("Detach"));
        session.start(view.id(), Math.clamp(rows, 0, 65535), Math.clamp(columns, 0, 65535));
    }

    private static void resize(Exchange exchange) throws AgentException {
        ExecView view = exchange.context().execs().resolve(exchange.star(0));
        exchange.context()
                .conductor()
                .execResize(
                        view.id(),
                        ContainerRoutes.size(exchange, "h"),
                        ContainerRoutes.size(exchange, "w"),
                        exchange.done(200));
    }

    private static void inspect(Exchange exchange) throws AgentException {
        ExecView view = exchange.context().execs().resolve(exchange.star(0));
        ExecRequest request = view.request();
        ObjectNode out = JsonNodeFactory.instance.objectNode();
        out.put("ID", view.id());
        out.put(
                "Running",
                view.state() == ExecView.State.RUNNING || view.state() == ExecView.State.STARTING);
        if (view.state() == ExecView.State.ENDED) {
            out.put("ExitCode", view.exitCode());
        } else {
            out.putNull("ExitCode");
        }
        ObjectNode process = out.putObject("ProcessConfig");
        process.put("tty", request.tty()).put("entrypoint", request.argv().getFirst());
        ArrayNode arguments = process.putArray("arguments");
        request.argv().subList(1, request.argv().size()).forEach(arguments::add);
        process.put("privileged", request.privileged()).put("user", request.user());
        out.put("OpenStdin", request.attachStdin()).put("OpenStderr", request.attachStderr());
        out.put("OpenStdout", request.attachStdout());
        out.put("CanRemove", view.state() == ExecView.State.ENDED);
        out.put("ContainerID", view.container().value()).put("DetachKeys", "");
        out.put("Pid", view.pid());
        exchange.answer(200, out);
    }
}
