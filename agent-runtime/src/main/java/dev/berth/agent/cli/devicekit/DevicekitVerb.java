package dev.berth.agent.cli.devicekit;

import dev.berth.agent.cli.args.Arguments;
import dev.berth.agent.cli.args.Flag;
import dev.berth.agent.cli.args.UsageException;
import dev.berth.agent.cli.args.VerbSpec;
import dev.berth.agent.cli.json.Json;
import dev.berth.agent.cli.playground.Playground;
import dev.berth.agent.cli.session.Cli;
import dev.berth.agent.cli.session.CliException;
import dev.berth.agent.cli.session.Format;
import dev.berth.agent.cli.session.Verb;
import dev.berth.agent.cli.view.Paint;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/** {@code berth devicekit run}: exits with 1 unless every cell is green. */
public final class DevicekitVerb implements Verb {
    @Override
    public VerbSpec spec() {
        return VerbSpec.of(
                        VerbSpec.Group.GPUS,
                        "run",
                        "Prove device isolation: every node, every way, every stage; needs no GPU",
                        0,
                        0,
                        List.of(
                                Flag.value(
                                        "provider",
                                        Provider.CHOICES,
                                        "Where its devices come from (default: nvidia-sim)"),
                                Flag.value("junit", "FILE", "Also write JUnit XML"),
                                Flag.value(
                                        "json",
                                        "FILE",
                                        "Also write JSON with every node and result"),
                                Flag.toggle(
                                        "without-fence",
                                        "Take the device programs off before each try: must turn red"),
                                Format.FLAG))
                .in("devicekit")
                .examples(
                        "On any Linux machine, as root",
                        "berth devicekit run",
                        "For a CI server",
                        "berth devicekit run --junit devicekit.xml --json devicekit.json",
                        "Does the kit notice when isolation is gone? This must fail",
                        "berth devicekit run --without-fence");
    }

    @Override
    public int run(Cli cli, Arguments arguments) throws UsageException, CliException, IOException {
        boolean json = Format.isJson(arguments);
        Provider provider = Provider.of(arguments.value("provider").orElse(Provider.DEFAULT));
        long began = System.nanoTime();
        Outcome outcome;
        Playground playground = Playground.open("devicekit");
        try (playground) {
            outcome = Session.run(cli, playground, provider, !arguments.has("without-fence"));
        }
        List<String> left = playground.leftovers();
        double seconds = (System.nanoTime() - began) / 1e9;
        Json all = MachineReports.json(outcome, environment(seconds));
        Optional<String> junit = arguments.value("junit");
        if (junit.isPresent()) {
            write(junit.get(), MachineReports.junit(outcome, seconds));
        }
        Optional<String> file = arguments.value("json");
        if (file.isPresent()) {
            write(file.get(), all + "\n");
        }
        if (json) {
            Format.printEach(cli, List.of(all));
        } else {
            cli.out().print(TextReport.of(outcome, Paint.of(cli)));
            cli.out()
                    .println(
                            String.format(
                                    Locale.ROOT,
                                    "%.1f s; %s",
                                    seconds,
                                    left.isEmpty() ? "nothing is left behind" : "left behind:"));
        }
        for (String thing : left) {
            cli.err().println("berth: left behind: " + thing);
        }
        return outcome.passed() && left.isEmpty() ? 0 : 1;
    }

    private static Map<String, String> environment(double seconds) throws IOException {
        Map<String, String> facts = new LinkedHashMap<>();
        facts.put("Time", Instant.now().toString());
        facts.put("Seconds", String.format(Locale.ROOT, "%.3f", seconds));
        facts.put("Kernel", kernel("osrelease"));
        facts.put("KernelVersion", kernel("version"));
        facts.put("Architecture", System.getProperty("os.arch", ""));
        return facts;
    }

    private static String kernel(String fact) throws IOException {
        return Files.readString(Path.of("/proc/sys/kernel/" + fact), StandardCharsets.UTF_8)
                .strip();
    }

    private static void write(String file, String text) throws IOException {
        Files.writeString(Path.of(file), text, StandardCharsets.UTF_8);
    }
}
