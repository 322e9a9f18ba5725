package dev.berth.gpu.simulator;

import dev.berth.linux.ErrnoException;
import dev.berth.linux.Fd;
import dev.berth.linux.Linux;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.HexFormat;
import java.util.Map;
import java.util.Optional;

/**
 * A machine with GPUs that are not there, below one directory: {@link #hostRoot} is what a host with these GPUs shows of itself, {@link #library} what any NVML client loads, {@link #state} the file that all of them share.
 *
 * <p>A directory that holds the same machine already goes on as it is, with its processes and faults: an agent that starts again finds its GPUs as it left them. Another machine replaces it. Nothing runs in the background,
 * so there is nothing to close; whoever made the directory removes it. Thread: any, one at a time; starting blocks on files and runs a program.
 */
public final class Simulator {
    /** Name of the state file; the library finds it beside itself. */
    public static final String STATE_FILE = "berth-simulator.state";

    /** The folder of the libraries in {@link #hostRoot}, and where a container may have the state too. */
    public static final String LIBRARY_FOLDER = "/usr/lib/x86_64-linux-gnu";

    private final Linux linux;
    private final Path directory;
    private final Machine machine;
    private final Simctl simctl;

    private Simulator(Linux linux, Path directory, Machine machine) {
        this.linux = linux;
        this.directory = directory;
        this.machine = machine;
        this.simctl = new Simctl(linux, tools().resolve("simctl"), state());
    }

    /**
     * Makes the machine below {@code directory}, which is created if it is missing.
     *
     * @throws SimulatorException if a real driver is loaded on this host (character major 195), or the files cannot be made
     */
    public static Simulator start(Linux linux, Path directory, Machine machine)
            throws SimulatorException {
        String devices;
        try {
            devices =
                    new String(
                            linux.files().readFile(Fd.CWD, "/proc/devices", 1 << 20),
                            StandardCharsets.UTF_8);
        } catch (ErrnoException e) {
            throw new SimulatorException("read /proc/devices", e);
        }
        return start(linux, directory, machine, devices);
    }

    /** The same with another text for {@code /proc/devices}. */
    static Simulator start(Linux linux, Path directory, Machine machine, String procDevices)
            throws SimulatorException {
        SimulatedMajors majors = SimulatedMajors.choose(procDevices, machine.majors());
        Simulator simulator = new Simulator(linux, directory.toAbsolutePath(), machine);
        try {
            simulator.make(majors);
        } catch (IOException | ErrnoException e) {
            throw new SimulatorException("make machine " + machine.name() + " in " + directory, e);
        }
        return simulator;
    }

    private void make(SimulatedMajors majors)
            throws IOException, ErrnoException, SimulatorException {
        HostTree tree = new HostTree(linux, hostRoot());
        String description = MachineDescription.of(machine, "", kmsg().toString());
        String fingerprint = fingerprint(description);
        tree.program("simctl", tools().resolve("simctl"));
        if (!holds(fingerprint)) {
            tree.clear();
        }
        tree.write(machine, majors);
        tree.program("nvidia-smi", hostRoot().resolve("usr/bin/nvidia-smi"));
        tree.program("simtask", simtask());
        Path versioned = library().resolveSibling("libnvidia-ml.so." + machine.driver());
        tree.program("libnvidia-ml.so.1", versioned);
        tree.link(library(), versioned.getFileName().toString());
        if (!holds(fingerprint)) {
            simctl.run(
                    "create",
                    MachineDescription.of(machine, fingerprint, kmsg().toString()),
                    Duration.ZERO);
        }
    }

    private boolean holds(String fingerprint) {
        if (!Files.exists(state())) {
            return false;
        }
        try {
            return simctl.run("show", "", Duration.ZERO)
                    .startsWith("machine " + machine.name() + "#" + fingerprint + "\n");
        } catch (SimulatorException e) {
            // Of another layout, or damaged: it is made anew.
            return false;
        }
    }

    private static String fingerprint(String description) {
        try {
            byte[] hash =
                    MessageDigest.getInstance("SHA-256")
                            .digest(description.getBytes(StandardCharsets.UTF_8));
            return HexFormat.of().formatHex(hash, 0, 8);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JDK has SHA-256", e);
        }
    }

    private Path tools() {
        return directory.resolve("tools");
    }

    private Path kmsg() {
        return hostRoot().resolve("dev/kmsg");
    }

    public Machine machine() {
        return machine;
    }

    /** What stands for {@code /} of a host with these GPUs. */
    public Path hostRoot() {
        return directory.resolve("root");
    }

    /** {@code libnvidia-ml.so.1}: a link to the file with the driver's version, as on a real host. */
    public Path library() {
        return hostRoot().resolve("usr/lib/x86_64-linux-gnu/libnvidia-ml.so.1");
    }

    /** The shared state. A task that is to count must be able to write it. */
    public Path state() {
        return library().resolveSibling(STATE_FILE);
    }

    /** A static program that uses GPUs as a CUDA program would, for tests and demonstrations: {@code simtask --memory 1GiB --seconds 5 --gpu 0}. */
    public Path simtask() {
        return tools().resolve("simtask");
    }

    /** What a client on the host gets: where the state is, and that it sees every GPU whatever nodes there are. */
    public Map<String, String> environment() {
        return Map.of("BERTH_SIMULATOR_STATE", state().toString(), "BERTH_SIMULATOR_HOST", "1");
    }

    /** Control of a machine that somebody else started in this directory; empty when there is none. */
    public static Optional<SimulatorControl> controlOf(Linux linux, Path directory) {
        Path program = directory.resolve("tools/simctl");
        Path state = directory.resolve("root" + LIBRARY_FOLDER).resolve(STATE_FILE);
        return Files.isExecutable(program) && Files.exists(state)
                ? Optional.of(new SimulatorControl(new Simctl(linux, program, state)))
                : Optional.empty();
    }

    /** Faults, events and settings of this machine. */
    public SimulatorControl control() {
        return new SimulatorControl(simctl);
    }
}
