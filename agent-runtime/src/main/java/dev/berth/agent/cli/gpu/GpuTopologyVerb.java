package dev.berth.agent.cli.gpu;

import dev.berth.agent.cli.args.Arguments;
import dev.berth.agent.cli.args.UsageException;
import dev.berth.agent.cli.args.VerbSpec;
import dev.berth.agent.cli.json.Json;
import dev.berth.agent.cli.session.Cli;
import dev.berth.agent.cli.session.CliException;
import dev.berth.agent.cli.session.Format;
import dev.berth.agent.cli.session.Verb;
import dev.berth.agent.cli.view.Paint;
import dev.berth.agent.cli.view.Table;

import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** {@code berth gpu topo}. */
public final class GpuTopologyVerb implements Verb {
    /** In the words of {@code nvidia-smi topo -m}, nearest last as there. */
    private static final String LEGEND =
            """

            Legend:
              X    itself
              SYS  over PCIe and between NUMA nodes (the sockets' own interconnect)
              NODE over PCIe and between host bridges of one NUMA node
              PHB  over PCIe and one host bridge (usually the CPU)
              PXB  over several PCIe bridges, without the host bridge
              PIX  over at most one PCIe bridge
              NV#  over # NVLinks
            """;

    @Override
    public VerbSpec spec() {
        return VerbSpec.of(
                        VerbSpec.Group.GPUS,
                        "topo",
                        "Show how near GPUs are to one another: NVLink, PCIe, NUMA",
                        0,
                        0,
                        List.of(Inventory.RESOURCE, Format.FLAG))
                .in("gpu")
                .examples(
                        "The matrix, as nvidia-smi topo -m shows it",
                        "berth gpu topo",
                        "NVLinks between the first two",
                        "berth gpu topo --format json | jq '.NvLinks[0][1]'");
    }

    @Override
    public int run(Cli cli, Arguments arguments) throws UsageException, CliException, IOException {
        if (Format.isJson(arguments)) {
            Inventory inventory = Inventory.ask(cli, arguments);
            Map<String, Json> members = new LinkedHashMap<>();
            members.put(
                    "Ids",
                    Json.texts(inventory.devices().stream().map(d -> d.at("Id").text()).toList()));
            members.putAll(inventory.answer().at("Topology").members());
            Format.printEach(cli, List.of(Json.of(members)));
            return 0;
        }
        cli.out().print(text(Inventory.askForSome(cli, arguments), Paint.of(cli)));
        return 0;
    }

    static String text(Inventory inventory, Paint paint) {
        List<Json> devices = inventory.devices();
        int count = devices.size();
        String[] row = new String[count + 4];
        row[0] = "";
        for (int i = 0; i < count; i++) {
            row[i + 1] = "GPU" + devices.get(i).at("Index").text();
        }
        row[count + 1] = "CPUs";
        row[count + 2] = "NUMA";
        row[count + 3] = "BUS";
        Table table = new Table(row);
        Json topology = inventory.answer().at("Topology");
        List<Json> links = topology.at("NvLinks").items();
        List<Json> proximity = topology.at("Proximity").items();
        for (int i = 0; i < count; i++) {
            Json device = devices.get(i);
            String[] cells = new String[count + 4];
            cells[0] = "GPU" + device.at("Index").text();
            for (int j = 0; j < count; j++) {
                cells[j + 1] = cell(at(links, i, j), at(proximity, i, j), i == j, paint);
            }
            cells[count + 1] = device.at("CpuList").text("--");
            cells[count + 2] = device.at("NumaNode").text("--");
            cells[count + 3] = device.at("Pci").text("--");
            table.row(cells);
        }
        return table + LEGEND;
    }

    private static String cell(Json links, Json proximity, boolean self, Paint paint) {
        if (self) {
            return paint.faint(" X");
        }
        if (links.number() > 0) {
            return paint.good("NV" + links.number());
        }
        String level = proximity.text("--");
        return level.equals("SYS") ? paint.warning(level) : level;
    }

    private static Json at(List<Json> matrix, int row, int column) {
        if (row >= matrix.size()) {
            return Json.NULL;
        }
        List<Json> cells = matrix.get(row).items();
        return column < cells.size() ? cells.get(column) : Json.NULL;
    }
}
