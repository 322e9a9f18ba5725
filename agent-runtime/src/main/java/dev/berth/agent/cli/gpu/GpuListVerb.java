package dev.berth.agent.cli.gpu;

import dev.berth.agent.cli.args.Arguments;
import dev.berth.agent.cli.args.Flag;
import dev.berth.agent.cli.args.UsageException;
import dev.berth.agent.cli.args.VerbSpec;
import dev.berth.agent.cli.json.Json;
import dev.berth.agent.cli.session.Cli;
import dev.berth.agent.cli.session.CliException;
import dev.berth.agent.cli.session.Format;
import dev.berth.agent.cli.session.Verb;
import dev.berth.agent.cli.view.Human;
import dev.berth.agent.cli.view.Paint;
import dev.berth.agent.cli.view.Table;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/** {@code berth gpu ls}. */
public final class GpuListVerb implements Verb {
    @Override
    public VerbSpec spec() {
        return VerbSpec.of(
                        VerbSpec.Group.GPUS,
                        "ls",
                        "List GPUs: what they are, who holds them, how they fare",
                        0,
                        0,
                        List.of(
                                Flag.toggle("no-trunc", "Show whole UUIDs"),
                                Flag.toggle("quiet", "Only UUIDs").letter('q'),
                                Inventory.RESOURCE,
                                Format.FLAG))
                .in("gpu")
                .examples(
                        "What this node has",
                        "berth gpu ls",
                        "Which are free, for a script",
                        "berth gpu ls --format json | jq -r 'select(.State==\"FREE\").Id'");
    }

    @Override
    public int run(Cli cli, Arguments arguments) throws UsageException, CliException, IOException {
        if (Format.isJson(arguments)) {
            Format.printEach(cli, Inventory.ask(cli, arguments).devices());
            return 0;
        }
        if (arguments.has("quiet")) {
            for (Json device : Inventory.ask(cli, arguments).devices()) {
                cli.out().println(device.at("Id").text());
            }
            return 0;
        }
        cli.out()
                .print(
                        text(
                                Inventory.askForSome(cli, arguments),
                                arguments.has("no-trunc"),
                                Paint.of(cli)));
        return 0;
    }

    static String text(Inventory inventory, boolean whole, Paint paint) {
        StringBuilder text = new StringBuilder(1024);
        text.append(paint.faint(inventory.headline())).append('\n');
        String warning = inventory.sourceWarning();
        if (!warning.isEmpty()) {
            text.append(paint.bad(warning)).append('\n');
        }
        Table table =
                new Table(
                        "GPU",
                        "UUID",
                        "MODEL",
                        "MEMORY",
                        "BUS",
                        "NUMA",
                        "STATE",
                        "HEALTH",
                        "CONTAINER");
        List<String> notes = new ArrayList<>();
        for (Json device : inventory.devices()) {
            String id = device.at("Id").text();
            long memory = device.at("MemoryBytes").number();
            table.row(
                    device.at("Index").text(),
                    whole ? id : inventory.shortId(id),
                    device.at("Model").text("--"),
                    memory > 0 ? Human.binarySize(memory) : "--",
                    device.at("Pci").text("--"),
                    device.at("NumaNode").text("--"),
                    Inventory.state(device, paint),
                    Inventory.health(device, paint),
                    Inventory.holder(device));
            String reason = Inventory.reason(device);
            if (!reason.isEmpty()) {
                notes.add("GPU" + device.at("Index").text() + ": " + reason);
            }
        }
        text.append(table);
        for (String note : notes) {
            text.append(paint.warning(note)).append('\n');
        }
        return text.toString();
    }
}
