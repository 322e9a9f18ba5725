package dev.berth.agent.cli.hostcheck;

import dev.berth.gpu.nvml.NvmlSettings;
import dev.berth.gpu.simulator.Machine;
import dev.berth.gpu.simulator.Simulator;
import dev.berth.gpu.simulator.SimulatorException;
import dev.berth.linux.Linux;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The machine that is checked.
 *
 * @param gpus the agent's {@code --gpus}
 * @param hostRoot {@code /}, or a simulated machine's
 * @param driverRoot below which the driver's files are
 * @param environment of programs that use the driver
 */
record Target(String gpus, Path hostRoot, Path driverRoot, Map<String, String> environment) {
    private static final String SIMULATED = "sim:";

    private static final List<String> SMI_PLACES =
            List.of(
                    "usr/bin/nvidia-smi",
                    "usr/local/bin/nvidia-smi",
                    "usr/local/nvidia/bin/nvidia-smi",
                    "usr/lib/wsl/lib/nvidia-smi");

    /** This machine. */
    static Target real(Path driverRoot) {
        return new Target("auto", Path.of("/"), driverRoot, Map.of());
    }

    /** A machine that is not there, made below a directory. */
    static Target simulated(String name, Path directory) throws SimulatorException {
        Simulator simulator = Simulator.start(Linux.host(), directory, Machine.shipped(name));
        return new Target(
                SIMULATED + name,
                simulator.hostRoot(),
                simulator.hostRoot(),
                simulator.environment());
    }

    boolean isSimulated() {
        return gpus.startsWith(SIMULATED);
    }

    /** Flags that make an agent have its GPUs. */
    List<String> agentFlags() {
        return isSimulated() || driverRoot.equals(hostRoot)
                ? List.of("--gpus", gpus)
                : List.of("--gpus", gpus, "--driver-root", driverRoot.toString());
    }

    /** NVML's library. */
    Optional<Path> library() {
        return NvmlSettings.findLibrary(driverRoot);
    }

    /** Whether CUDA's driver library is beside NVML's. */
    boolean hasCuda() {
        return library()
                .map(nvml -> Files.exists(nvml.resolveSibling("libcuda.so.1")))
                .orElse(false);
    }

    /** The vendor's tool. */
    Optional<Path> smi() {
        return SMI_PLACES.stream().map(driverRoot::resolve).filter(Files::exists).findFirst();
    }

    /** For the vendor's tool, which loads NVML by its name alone. */
    Map<String, String> smiEnvironment() {
        Map<String, String> all = new HashMap<>(environment);
        library().ifPresent(path -> all.put("LD_LIBRARY_PATH", String.valueOf(path.getParent())));
        return all;
    }
}
