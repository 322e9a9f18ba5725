package dev.berth.agent.cli.hostcheck;

import dev.berth.agent.cli.args.Arguments;
import dev.berth.agent.cli.args.Flag;
import dev.berth.agent.cli.args.UsageException;
import dev.berth.agent.cli.args.VerbSpec;
import dev.berth.agent.cli.hostcheck.Finding.Area;
import dev.berth.agent.cli.json.Json;
import dev.berth.agent.cli.playground.Playground;
import dev.berth.agent.cli.session.Cli;
import dev.berth.agent.cli.session.CliException;
import dev.berth.agent.cli.session.Verb;
import dev.berth.agent.cli.view.Paint;
import dev.berth.gpu.simulator.SimulatorException;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/** {@code berth gpu-host-check}: exits with 0 when nothing failed. */
public final class GpuHostCheckVerb implements Verb {
    @Override
    public VerbSpec spec() {
        return VerbSpec.of(
                        VerbSpec.Group.GPUS,
                        "gpu-host-check",
                        "Check the GPUs of this machine end to end: NVML, containers, CUDA, hygiene, timings",
                        0,
                        0,
                        List.of(
                                Flag.value(
                                        "gpus",
                                        "auto|sim:MACHINE",
                                        "This machine's GPUs, or simulated ones (default: auto)"),
                                Flag.value(
                                        "driver-root",
                                        "DIR",
                                        "Where the driver's files are (default: /)"),
                                Flag.value("json", "FILE", "Also write all facts as JSON")))
                .examples(
                        "On a machine with GPUs, as root",
                        "berth gpu-host-check --json facts.json",
                        "Without one",
                        "berth gpu-host-check --gpus sim:8xH100");
    }

    @Override
    public int run(Cli cli, Arguments arguments) throws UsageException, CliException, IOException {
        String gpus = arguments.value("gpus").orElse("auto");
        if (!gpus.equals("auto") && !gpus.startsWith("sim:")) {
            throw new UsageException("--gpus: want auto or sim:MACHINE, got '" + gpus + "'");
        }
        Report report = new Report();
        Playground playground = Playground.open("gpu-host-check");
        try (playground) {
            Target target = target(gpus, arguments.value("driver-root"), playground.root());
            report.fact("Time", Json.of(Instant.now().toString()));
            HostFacts.tell(target, report);
            NvmlHalf.run(target, playground.root(), report);
            containers(cli, target, playground, report);
        }
        List<String> left = playground.leftovers();
        report.judge(
                Area.AFTER,
                "the check itself",
                left.isEmpty(),
                left.isEmpty() ? "leaves nothing behind" : String.join("\n", left));
        Optional<String> file = arguments.value("json");
        if (file.isPresent()) {
            Files.writeString(
                    Path.of(file.get()), report.json().pretty() + "\n", StandardCharsets.UTF_8);
        }
        cli.out().print(report.text(Paint.of(cli)));
        return report.passed() ? 0 : 1;
    }

    private static Target target(String gpus, Optional<String> driverRoot, Path directory)
            throws CliException {
        if (gpus.equals("auto")) {
            return Target.real(Path.of(driverRoot.orElse("/")).toAbsolutePath());
        }
        try {
            return Target.simulated(gpus.substring(4), directory.resolve("machine"));
        } catch (SimulatorException e) {
            throw new CliException(1, "--gpus " + gpus + ": " + e.getMessage(), e);
        }
    }

    /** What goes wrong there fails the check, and does not end it. */
    private static void containers(Cli cli, Target target, Playground playground, Report report)
            throws IOException {
        List<String> missing = Ground.missing(target);
        if (!missing.isEmpty()) {
            report.skip(Area.CONTAINER, "everything", String.join("; ", missing));
            report.skip(Area.CUDA, "everything", "containers cannot run here");
            return;
        }
        try {
            ContainerHalf.run(cli, target, playground, report);
        } catch (CliException e) {
            report.judge(Area.CONTAINER, "runs", false, String.valueOf(e.getMessage()));
        }
    }
}
