package dev.berth.agent.cli.gpu;

import dev.berth.agent.cli.args.Arguments;
import dev.berth.agent.cli.args.Flag;
import dev.berth.agent.cli.args.UsageException;
import dev.berth.agent.cli.args.VerbSpec;
import dev.berth.agent.cli.http.Response;
import dev.berth.agent.cli.json.Json;
import dev.berth.agent.cli.session.Cli;
import dev.berth.agent.cli.session.CliException;
import dev.berth.agent.cli.session.Format;
import dev.berth.agent.cli.session.Verb;
import dev.berth.agent.cli.view.Paint;
import dev.berth.agent.cli.view.Table;

import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** {@code berth gpu explain}: exits with 1 when the request would be refused. */
public final class GpuExplainVerb implements Verb {
    private static final int SHOWN = 10;

    @Override
    public VerbSpec spec() {
        return VerbSpec.of(
                        VerbSpec.Group.GPUS,
                        "explain N|all|GPU...",
                        "Say which GPUs a request would get now, and why these",
                        1,
                        VerbSpec.ANY,
                        List.of(
                                Flag.toggle(
                                        "device",
                                        "Operands are devices by index or UUID, not a number of them"),
                                Flag.toggle("all-candidates", "Show all, not the best ten"),
                                Inventory.RESOURCE,
                                Format.FLAG))
                .in("gpu")
                .examples(
                        "Which two would 'berth run --gpus 2' get?",
                        "berth gpu explain 2",
                        "Could a container have just these?",
                        "berth gpu explain --device 0 3");
    }

    @Override
    public int run(Cli cli, Arguments arguments) throws UsageException, CliException, IOException {
        boolean json = Format.isJson(arguments);
        Inventory inventory = Inventory.askForSome(cli, arguments);
        Json answer;
        try (Response response =
                cli.client()
                        .post(
                                Inventory.query("/berth/gpus/explain", arguments),
                                body(inventory, arguments))) {
            answer = response.json();
        }
        if (json) {
            Format.printEach(cli, List.of(answer));
        } else {
            int most = arguments.has("all-candidates") ? Integer.MAX_VALUE : SHOWN;
            cli.out().print(text(inventory, answer, most, Paint.of(cli)));
        }
        return answer.at("Refused").text().isEmpty() ? 0 : 1;
    }

    private static Json body(Inventory inventory, Arguments arguments)
            throws UsageException, CliException {
        List<String> operands = arguments.operands();
        String first = operands.get(0);
        if (!arguments.has("device") && operands.size() == 1) {
            if (first.equals("all")) {
                return Json.of(Map.of("Count", Json.of(-1)));
            }
            if (first.matches("[0-9]{1,9}")) {
                long count = Long.parseLong(first);
                if (count < 1) {
                    throw new UsageException("want at least 1, got " + first);
                }
                return Json.of(Map.of("Count", Json.of(count)));
            }
        }
        List<String> ids = new ArrayList<>();
        for (String name : operands) {
            ids.add(inventory.resolve(name));
        }
        Map<String, Json> body = new LinkedHashMap<>();
        body.put("DeviceIDs", Json.texts(ids));
        return Json.of(body);
    }

    static String text(Inventory inventory, Json answer, int most, Paint paint) {
        StringBuilder text = new StringBuilder(1024);
        String refused = answer.at("Refused").text();
        if (!refused.isEmpty()) {
            text.append(paint.bad("refused: ")).append(refused).append('\n');
        } else {
            text.append("chosen: ");
            text.append(paint.good(labels(inventory, answer.at("Chosen").texts()))).append('\n');
        }
        List<Json> candidates = answer.at("Candidates").items();
        if (!candidates.isEmpty()) {
            text.append('\n').append(ranking(inventory, candidates, most));
            if (candidates.size() > most) {
                text.append("… and ").append(candidates.size() - most);
                text.append(" more (--all-candidates)\n");
            }
            text.append(
                    """

                    Ranked by the weakest link of any pair first, then the sum over all pairs, then fewer NUMA nodes, then what
                    is least missed by later requests (FRAGMENTS: smaller is better).
                    """);
        }
        List<Json> unavailable = answer.at("Unavailable").items();
        if (!unavailable.isEmpty()) {
            text.append("\nnot to be had now\n");
            for (Json device : unavailable) {
                text.append("  ").append(inventory.shortLabel(device.at("Id").text()));
                text.append(": ").append(device.at("Reason").text()).append('\n');
            }
        }
        return text.toString();
    }

    private static Table ranking(Inventory inventory, List<Json> candidates, int most) {
        Table table =
                new Table("RANK", "GPUS", "WEAKEST LINK", "SUM", "NUMA NODES", "FRAGMENTS", "WHY");
        for (int i = 0; i < Math.min(most, candidates.size()); i++) {
            Json candidate = candidates.get(i);
            List<String> indices = new ArrayList<>();
            for (String id : candidate.at("Devices").texts()) {
                indices.add(inventory.shortLabel(id).replaceFirst("^GPU", ""));
            }
            table.row(
                    Integer.toString(i + 1),
                    String.join(" ", indices),
                    candidate.at("MinLink").text("--"),
                    candidate.at("Sum").text("--"),
                    candidate.at("NumaNodes").text("--"),
                    candidate.at("Fragmentation").text("--"),
                    candidate.at("Why").text());
        }
        return table;
    }

    private static String labels(Inventory inventory, List<String> ids) {
        List<String> labels = new ArrayList<>();
        for (String id : ids) {
            labels.add(inventory.shortLabel(id));
        }
        return String.join(", ", labels);
    }
}
