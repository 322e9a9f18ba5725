package dev.berth.agent.device;

import dev.berth.agent.config.AgentConfig;
import dev.berth.agent.config.AgentException;
import dev.berth.agent.config.AgentLog;
import dev.berth.agent.config.DeviceOptions;
import dev.berth.agent.config.DeviceOptions.GpuSource;
import dev.berth.gpu.DeviceException;
import dev.berth.gpu.DeviceProvider;
import dev.berth.gpu.cdi.CdiRegistry;
import dev.berth.gpu.chardev.CharDeviceFile;
import dev.berth.gpu.chardev.CharDeviceProvider;
import dev.berth.gpu.chardev.CharResource;
import dev.berth.gpu.health.HealthSettings;
import dev.berth.gpu.health.ProcessOwner;
import dev.berth.gpu.ledger.LedgerSettings;
import dev.berth.gpu.nvml.NvmlDeviceProvider;
import dev.berth.gpu.nvml.NvmlSettings;
import dev.berth.gpu.proc.ProcDeviceProvider;
import dev.berth.gpu.proc.ProcSettings;
import dev.berth.gpu.simulator.Machine;
import dev.berth.gpu.simulator.Simulator;
import dev.berth.gpu.simulator.SimulatorException;
import dev.berth.linux.ErrnoException;
import dev.berth.linux.Fd;
import dev.berth.linux.Linux;
import dev.berth.linux.Open;
import dev.berth.linux.OwnedFd;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/**
 * Finds out where an agent's devices come from, as its options say. Nothing is started here but the simulator's tools; providers start when the desk opens.
 *
 * <p>Thread: the agent's start.
 */
public final class DeviceSources {
    /** How long holders of a device that needs a reset may go on where the option says kill. */
    private static final long DRAIN_NS = TimeUnit.MINUTES.toNanos(5);

    private static final int LOG_FLAGS =
            Open.O_WRONLY | Open.O_CREAT | Open.O_APPEND | Open.O_NOFOLLOW;

    private final Linux linux;
    private final AgentConfig config;
    private final Fd helpers;
    private final Deque<AutoCloseable> opened;

    private DeviceSources(
            Linux linux, AgentConfig config, Fd helpers, Deque<AutoCloseable> opened) {
        this.linux = linux;
        this.config = config;
        this.helpers = helpers;
        this.opened = opened;
    }

    /**
     * The desk's setup.
     *
     * @param helpers the cgroup for programs that the agent starts
     * @param opened takes what must be closed at the agent's end
     */
    public static DeviceSetup open(
            Linux linux, AgentConfig config, Fd helpers, Deque<AutoCloseable> opened)
            throws AgentException {
        try {
            return new DeviceSources(linux, config, helpers, opened).setup();
        } catch (ErrnoException | DeviceException e) {
            throw AgentException.failed("open the sources of devices", e);
        } catch (SimulatorException e) {
            throw AgentException.failed("option --gpus: simulate GPUs", e);
        }
    }

    private DeviceSetup setup()
            throws AgentException, ErrnoException, DeviceException, SimulatorException {
        DeviceOptions options = config.devices();
        List<DeviceSupply> supplies = new ArrayList<>();
        switch (options.gpus()) {
            case GpuSource.None() -> {}
            case GpuSource.Auto() -> {
                if (hasDriver()) {
                    supplies.add(nvidia(Host.real(options)));
                }
            }
            case GpuSource.Simulated(String name) ->
                    supplies.add(nvidia(simulated(Machine.shipped(name))));
            case GpuSource.SimulatedFile(Path file) ->
                    supplies.add(nvidia(simulated(Machine.read(file))));
        }
        if (options.characterDevices().isPresent()) {
            supplies.addAll(characterDevices(options.characterDevices().get()));
        }
        for (DeviceSupply supply : supplies) {
            if (supplies.stream()
                            .filter(other -> other.resourceName().equals(supply.resourceName()))
                            .count()
                    > 1) {
                throw AgentException.invalid(
                        "option --devices: there is another source of " + supply.resourceName());
            }
        }
        HealthSettings health =
                options.onFault() == DeviceOptions.OnFault.KILL
                        ? HealthSettings.DEFAULT.killing(DRAIN_NS)
                        : HealthSettings.DEFAULT;
        byte[] boot = linux.files().readFile(Fd.CWD, "/proc/sys/kernel/random/boot_id", 64);
        return new DeviceSetup(
                supplies,
                cdi(),
                config.dataRoot().resolve("agent").resolve("devices"),
                LedgerSettings.DEFAULT,
                health,
                GrantCrash.fromProperty(linux),
                new String(boot, StandardCharsets.US_ASCII).strip(),
                new ProcessOwner(Path.of("/proc"), config.cgroupParent())::of);
    }

    /** The module's directory, or its node where there is no such directory (gVisor). */
    private static boolean hasDriver() {
        return Files.exists(Path.of("/proc/driver/nvidia"))
                || Files.exists(Path.of("/dev/nvidiactl"));
    }

    /** A host with NVIDIA's driver, real or not. {@code simulator}: the one that plays it. */
    private record Host(Path root, Path driverRoot, Optional<Simulator> simulator) {
        static Host real(DeviceOptions options) {
            Path root = Path.of("/");
            return new Host(root, options.driverRoot().orElse(root), Optional.empty());
        }

        Map<String, String> environment() {
            return simulator.map(Simulator::environment).orElse(Map.of());
        }
    }

    private Host simulated(Machine machine) throws SimulatorException {
        Path directory = config.dataRoot().resolve("simulator");
        Simulator simulator = Simulator.start(linux, directory, machine);
        AgentLog.info("GPUs are simulated: machine " + machine.name() + " in " + directory);
        return new Host(
                simulator.hostRoot(),
                config.devices().driverRoot().orElse(simulator.hostRoot()),
                Optional.of(simulator));
    }

    /** NVML first; beside it, or alone where there is no library, what the kernel says itself. */
    private DeviceSupply nvidia(Host host) throws ErrnoException {
        Optional<Path> library = NvmlSettings.findLibrary(host.driverRoot());
        DeviceProvider kernel =
                new ProcDeviceProvider(linux, ProcSettings.of(host.root(), library.isEmpty()));
        EditsSource.Maker edits =
                new NvidiaEdits(
                        linux,
                        host.root(),
                        host.driverRoot(),
                        config.execRoot().resolve("driver"),
                        host.simulator().map(Simulator::state));
        if (library.isEmpty()) {
            AgentLog.warn(
                    "no libnvidia-ml.so.1 below "
                            + host.driverRoot()
                            + ": GPUs are handed out by what the kernel says of them, without figures; install the driver's libraries, or name their root with --driver-root");
            return new DeviceSupply(kernel, Optional.empty(), edits);
        }
        NvmlSettings settings =
                NvmlSettings.of(host.root(), library.get(), worker(host))
                        .withDeadlines(deadlines());
        return new DeviceSupply(
                NvmlDeviceProvider.open(linux, settings), Optional.of(kernel), edits);
    }

    private CdiSource cdi() throws ErrnoException, DeviceException {
        if (config.devices().cdiDirectories().isEmpty()) {
            return CdiSource.NONE;
        }
        Path scratch = config.execRoot().resolve("cdi");
        linux.files().mkdirat(Fd.CWD, scratch.toString(), 0700);
        CdiSource files =
                new CdiFiles(new CdiRegistry(linux, config.devices().cdiDirectories(), scratch));
        files.refresh();
        return files;
    }

    /** Devices of any vendor that a file describes. */
    private List<DeviceSupply> characterDevices(Path file) throws AgentException {
        try {
            List<DeviceSupply> supplies = new ArrayList<>();
            for (CharResource resource : CharDeviceFile.read(file)) {
                supplies.add(
                        new DeviceSupply(
                                new CharDeviceProvider(
                                        linux,
                                        resource,
                                        CharDeviceProvider.Settings.of(Path.of("/"))),
                                Optional.empty(),
                                _ -> EditsSource.NODES));
            }
            return supplies;
        } catch (DeviceException e) {
            throw new AgentException(
                    AgentException.Kind.INVALID, "option --devices: " + e.getMessage(), e);
        }
    }

    private NvmlSettings.Worker worker(Host host) throws ErrnoException {
        Path file = config.execRoot().resolve("gpu-worker.log");
        OwnedFd log = linux.files().openat(Fd.CWD, file.toString(), LOG_FLAGS, 0600);
        opened.push(log);
        return new NvmlSettings.Worker(
                Path.of(System.getProperty("java.home"), "bin", "java"),
                System.getProperty("java.class.path"),
                NvmlSettings.JVM_FLAGS,
                host.environment(),
                log,
                Optional.of(helpers));
    }

    /** Tests have no minutes to wait: {@code berth.nvml-query-ms} is the deadline of a call then. */
    private static NvmlSettings.Deadlines deadlines() {
        NvmlSettings.Deadlines usual = NvmlSettings.Deadlines.DEFAULT;
        Integer query = Integer.getInteger("berth.nvml-query-ms");
        if (query == null) {
            return usual;
        }
        Duration limit = Duration.ofMillis(query);
        return usual.withQuery(limit).withInit(limit.multipliedBy(4)).withFirstRests(limit, limit);
    }
}
