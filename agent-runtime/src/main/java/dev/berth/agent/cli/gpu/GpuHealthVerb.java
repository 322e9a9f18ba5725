package dev.berth.agent.cli.gpu;

import dev.berth.agent.cli.args.Arguments;
import dev.berth.agent.cli.args.UsageException;
import dev.berth.agent.cli.args.VerbSpec;
import dev.berth.agent.cli.http.Response;
import dev.berth.agent.cli.json.Json;
import dev.berth.agent.cli.session.Cli;
import dev.berth.agent.cli.session.CliException;
import dev.berth.agent.cli.session.Format;
import dev.berth.agent.cli.session.Verb;
import dev.berth.agent.cli.view.Human;
import dev.berth.agent.cli.view.Paint;
import dev.berth.agent.cli.view.Table;

import java.io.IOException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;

/** {@code berth gpu health}: exits with 1 when a device that is shown is not given out for its health. */
public final class GpuHealthVerb implements Verb {
    @Override
    public VerbSpec spec() {
        return VerbSpec.of(
                        VerbSpec.Group.GPUS,
                        "health [GPU...]",
                        "Show how GPUs fare, what happened to them, and what to do",
                        0,
                        VerbSpec.ANY,
                        List.of(Inventory.RESOURCE, Format.FLAG))
                .in("gpu")
                .examples(
                        "All of them",
                        "berth gpu health",
                        "One, by index, UUID, its beginning, or PCI address",
                        "berth gpu health 3",
                        "In a script: exits with 1 when one is not well",
                        "berth gpu health >/dev/null || echo look at this node");
    }

    @Override
    public int run(Cli cli, Arguments arguments) throws UsageException, CliException, IOException {
        boolean json = Format.isJson(arguments);
        Inventory inventory =
                json ? Inventory.ask(cli, arguments) : Inventory.askForSome(cli, arguments);
        List<String> wanted = new ArrayList<>();
        for (String name : arguments.operands()) {
            wanted.add(inventory.resolve(name));
        }
        List<Json> shown = new ArrayList<>();
        try (Response response =
                cli.client().get(Inventory.query("/berth/gpus/health", arguments))) {
            for (Json device : response.json().at("Devices").items()) {
                if (wanted.isEmpty() || wanted.contains(device.at("Id").text())) {
                    shown.add(device);
                }
            }
        }
        if (json) {
            Format.printEach(cli, shown);
        } else {
            String warning = inventory.sourceWarning();
            if (!warning.isEmpty()) {
                cli.out().println(Paint.of(cli).bad(warning));
            }
            cli.out().print(text(inventory, shown, Instant.now(), Paint.of(cli)));
        }
        for (Json device : shown) {
            if (isWithheld(inventory, device)) {
                return 1;
            }
        }
        return 0;
    }

    private static boolean isWithheld(Inventory inventory, Json device) {
        return !Inventory.isGivenOut(device) || state(inventory, device).equals("QUARANTINED");
    }

    private static String state(Inventory inventory, Json device) {
        for (Json known : inventory.devices()) {
            if (known.at("Id").text().equals(device.at("Id").text())) {
                return known.at("State").text();
            }
        }
        return "";
    }

    static String text(Inventory inventory, List<Json> devices, Instant now, Paint paint) {
        StringBuilder text = new StringBuilder(1024);
        for (Json device : devices) {
            String id = device.at("Id").text();
            text.append(paint.bold(inventory.label(id))).append("  ");
            text.append(Inventory.health(device, paint));
            Instant since = Human.instant(device.at("Since").text());
            if (since.getEpochSecond() > 0) {
                text.append(" since ").append(Human.ago(since, now));
            }
            String reason = Inventory.reason(device);
            if (!reason.isEmpty()) {
                text.append(": ").append(reason);
            }
            text.append('\n');
            String toDo = toDo(inventory, device);
            if (!toDo.isEmpty()) {
                text.append("  what to do: ").append(toDo).append('\n');
            }
            List<Json> signals = device.at("Signals").items();
            if (!signals.isEmpty()) {
                text.append(history(signals).toString().indent(2));
            }
        }
        return text.toString();
    }

    private static Table history(List<Json> signals) {
        Table table = new Table("TIME", "WHAT", "DETAIL", "PID", "CONTAINER", "ACTION");
        for (Json signal : signals) {
            String code = signal.at("Code").text();
            table.row(
                    time(signal.at("Time").text("--")),
                    signal.at("Kind").text("--") + (code.isEmpty() ? "" : " " + code),
                    Human.cut(signal.at("Detail").text("--"), 60),
                    signal.at("Pid").number() > 0 ? signal.at("Pid").text() : "--",
                    signal.at("Container").text().isEmpty()
                            ? "--"
                            : Human.shortId(signal.at("Container").text()),
                    signal.at("Action").text("--"));
        }
        return table;
    }

    /** What the vendor's catalog says of the last thing that happened, without the catalog's own word. */
    private static String advice(Json device) {
        List<Json> signals = device.at("Signals").items();
        String action =
                signals.isEmpty() ? "" : signals.get(signals.size() - 1).at("Action").text();
        int colon = action.indexOf(": ");
        return colon < 0 ? "repair or replace it" : action.substring(colon + 2);
    }

    /** Without the digits below a millisecond. */
    private static String time(String rfc3339) {
        return rfc3339.replaceFirst("(\\.[0-9]{3})[0-9]+", "$1");
    }

    /** What a person can do, given that the agent does what it can by itself; empty when nothing. */
    private static String toDo(Inventory inventory, Json device) {
        String id = inventory.shortId(device.at("Id").text());
        if (state(inventory, device).equals("QUARANTINED")) {
            return "it was not clean after its last holder and is kept back; end what still uses it, then: berth gpu release "
                    + id;
        }
        return switch (device.at("Health").text()) {
            case "SUSPECT" ->
                    "nothing yet: a program was at fault; it is still given out, and drained if this goes on with other programs";
            case "DRAINING" ->
                    "it is not given out; end its container so that it can be reset ('berth gpu ls' names it)";
            case "RESETTING", "VERIFYING" -> "wait: the agent resets and verifies it by itself";
            case "FAILED" ->
                    "it is not given out; " + advice(device) + ", then: berth gpu release " + id;
            default -> "";
        };
    }
}
