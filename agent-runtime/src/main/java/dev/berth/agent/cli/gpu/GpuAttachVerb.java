package dev.berth.agent.cli.gpu;

import dev.berth.agent.cli.args.Arguments;
import dev.berth.agent.cli.args.Flag;
import dev.berth.agent.cli.args.UsageException;
import dev.berth.agent.cli.args.VerbSpec;
import dev.berth.agent.cli.http.Query;
import dev.berth.agent.cli.http.Response;
import dev.berth.agent.cli.json.Json;
import dev.berth.agent.cli.session.Cli;
import dev.berth.agent.cli.session.CliException;
import dev.berth.agent.cli.session.Format;
import dev.berth.agent.cli.session.Verb;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** {@code berth gpu attach} and {@code berth gpu detach}: a running container gains or loses devices. */
public final class GpuAttachVerb implements Verb {
    /** Which of the two. */
    public enum Direction {
        ATTACH("attach", "Attached"),
        DETACH("detach", "Detached");

        private final String path;
        private final String field;

        Direction(String path, String field) {
            this.path = path;
            this.field = field;
        }
    }

    private final Direction direction;

    public GpuAttachVerb(Direction direction) {
        this.direction = direction;
    }

    @Override
    public VerbSpec spec() {
        return switch (direction) {
            case ATTACH ->
                    VerbSpec.of(
                                    VerbSpec.Group.GPUS,
                                    "attach CONTAINER [GPU...]",
                                    "Give GPUs to a running container",
                                    1,
                                    VerbSpec.ANY,
                                    List.of(
                                            Flag.value(
                                                            "count",
                                                            "N",
                                                            "So many of the agent's choice (default: 1 unless GPUs are named)")
                                                    .letter('n'),
                                            Inventory.RESOURCE,
                                            Format.FLAG))
                            .in("gpu")
                            .examples(
                                    "One more, of the agent's choice",
                                    "berth gpu attach train",
                                    "Two more",
                                    "berth gpu attach -n 2 train",
                                    "This one",
                                    "berth gpu attach train GPU-5d1c0a77");
            case DETACH ->
                    VerbSpec.of(
                                    VerbSpec.Group.GPUS,
                                    "detach CONTAINER [GPU...]",
                                    "Take GPUs from a running container",
                                    1,
                                    VerbSpec.ANY,
                                    List.of(
                                            Flag.toggle("all", "All that it holds").letter('a'),
                                            Inventory.RESOURCE,
                                            Format.FLAG))
                            .in("gpu")
                            .examples(
                                    "One",
                                    "berth gpu detach train GPU-5d1c0a77",
                                    "All",
                                    "berth gpu detach --all train");
        };
    }

    @Override
    public int run(Cli cli, Arguments arguments) throws UsageException, CliException, IOException {
        boolean json = Format.isJson(arguments);
        String container = arguments.operands().get(0);
        List<String> names = arguments.operands().subList(1, arguments.operands().size());
        if (direction == Direction.DETACH && names.isEmpty() != arguments.has("all")) {
            throw new UsageException("name the GPUs to take, or say --all");
        }
        if (!names.isEmpty() && arguments.given("count")) {
            throw new UsageException("--count and named GPUs contradict each other");
        }
        long count = direction == Direction.ATTACH ? arguments.number("count", 1, 1) : 0;
        Inventory inventory = Inventory.askForSome(cli, arguments);
        Json body = body(inventory, container, names, count);
        Query query =
                Inventory.query(
                        "/containers/" + Query.encode(container) + "/gpus/" + direction.path,
                        arguments);
        Json answer;
        try (Response response = cli.client().post(query, body)) {
            answer = response.json();
        }
        if (json) {
            Format.printEach(cli, List.of(answer));
            return 0;
        }
        for (String id : answer.at(direction.field).texts()) {
            cli.out().println(id);
        }
        return 0;
    }

    private Json body(Inventory inventory, String container, List<String> names, long count)
            throws CliException {
        List<String> ids = new ArrayList<>();
        for (String name : names) {
            ids.add(inventory.resolve(name));
        }
        if (!ids.isEmpty()) {
            return Json.of(Map.of("DeviceIDs", Json.texts(ids)));
        }
        if (direction == Direction.ATTACH) {
            return Json.of(Map.of("Count", Json.of(count)));
        }
        List<String> held = inventory.heldBy(container);
        if (held.isEmpty()) {
            throw new CliException(1, "container " + container + " holds no GPU");
        }
        return Json.of(Map.of("DeviceIDs", Json.texts(held)));
    }
}
