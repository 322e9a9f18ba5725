package dev.berth.agent.cli.gpu;

import dev.berth.agent.cli.args.Arguments;
import dev.berth.agent.cli.args.UsageException;
import dev.berth.agent.cli.args.VerbSpec;
import dev.berth.agent.cli.http.Query;
import dev.berth.agent.cli.http.Response;
import dev.berth.agent.cli.session.Cli;
import dev.berth.agent.cli.session.CliException;
import dev.berth.agent.cli.session.Verb;
import dev.berth.gpu.simulator.Simulator;
import dev.berth.gpu.simulator.SimulatorControl;
import dev.berth.gpu.simulator.SimulatorException;
import dev.berth.linux.Linux;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/** {@code berth gpu sim}: what goes wrong with simulated GPUs, for those who want to see what the agent does. It changes the simulator's state itself, past the agent, as a failing board would. */
public final class GpuSimulatorVerb implements Verb {
    /** A time-line is somebody's script: long enough for all, and an end all the same. */
    private static final Duration LONGEST = Duration.ofHours(1);

    @Override
    public VerbSpec spec() {
        return VerbSpec.of(
                        VerbSpec.Group.GPUS,
                        "sim show|play FILE|COMMAND...",
                        "Make simulated GPUs fail (agents with --gpus sim:…)",
                        1,
                        VerbSpec.ANY,
                        List.of())
                .in("gpu")
                .examples(
                        "GPU 3 falls off the bus; then look at: berth gpu health 3",
                        "berth gpu sim xid 3 79",
                        "A thousand XIDs a second, for two seconds",
                        "berth gpu sim storm 0 94 rate=1000 seconds=2",
                        "Every NVML call hangs for a minute; the agent's API must not notice",
                        "berth gpu sim hang 60000",
                        "Calls about GPU 2 take half a second longer (also: fail CODE, hang ever)",
                        "berth gpu sim slow 500 gpu=2",
                        "Memory that no process holds: the next release of GPU 1 ends in quarantine",
                        "berth gpu sim stuck-memory 1 1073741824",
                        "Also: ecc, remap, lost, required, removed, recovery, mismatch, nvlink, set, reset. All well again",
                        "berth gpu sim clear all");
    }

    @Override
    public int run(Cli cli, Arguments arguments) throws UsageException, CliException, IOException {
        Path dataRoot;
        try (Response response = cli.client().get(Query.of("/info"))) {
            dataRoot = Path.of(response.json().at("DockerRootDir").text());
        }
        Optional<SimulatorControl> control =
                Simulator.controlOf(Linux.host(), dataRoot.resolve("simulator"));
        if (control.isEmpty()) {
            throw new CliException(
                    1,
                    "the agent at "
                            + cli.address()
                            + " simulates no GPUs (or you are not root); start one with: berth agent --gpus sim:8xH100");
        }
        try {
            for (String line : apply(control.get(), arguments.operands())) {
                cli.out().println(line);
            }
        } catch (SimulatorException e) {
            throw new CliException(1, String.valueOf(e.getMessage()), e);
        }
        return 0;
    }

    private static List<String> apply(SimulatorControl control, List<String> words)
            throws UsageException, SimulatorException, IOException {
        return switch (words.get(0)) {
            case "show" -> control.show();
            case "play" -> control.apply(script(words), LONGEST);
            default -> control.apply(String.join(" ", words), LONGEST);
        };
    }

    private static String script(List<String> words) throws UsageException, IOException {
        if (words.size() != 2) {
            throw new UsageException("want: play FILE");
        }
        return Files.readString(Path.of(words.get(1)), StandardCharsets.UTF_8);
    }
}
