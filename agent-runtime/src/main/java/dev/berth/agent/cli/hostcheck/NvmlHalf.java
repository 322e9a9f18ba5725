package dev.berth.agent.cli.hostcheck;

import dev.berth.agent.cli.hostcheck.Finding.Area;
import dev.berth.agent.cli.hostcheck.Finding.State;
import dev.berth.agent.cli.json.Json;
import dev.berth.agent.cli.session.CliException;
import dev.berth.gpu.Cleanliness;
import dev.berth.gpu.Device;
import dev.berth.gpu.DeviceSample;
import dev.berth.gpu.DeviceTable;
import dev.berth.linux.ErrnoException;
import dev.berth.linux.Fd;
import dev.berth.linux.Linux;
import dev.berth.linux.Open;
import dev.berth.linux.OwnedFd;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Collectors;

/** Discovery, readings and verification through the real worker, and the values beside {@code nvidia-smi}'s. */
final class NvmlHalf {
    private static final int DISCOVERIES = 3;
    private static final int CALLS = 20;

    /** Live values move between two readings: one of so many tries must have all of them near each other. */
    private static final int TRIES = 10;

    private static final long REST_NS = 200_000_000;

    private static final List<String> PROCESS_FIELDS = List.of("pid", "gpu_uuid", "used_memory");

    private final Target target;
    private final Path library;
    private final Path directory;
    private final Report report;
    private final Fd log;

    private NvmlHalf(Target target, Path library, Path directory, Report report, Fd log) {
        this.target = target;
        this.library = library;
        this.directory = directory;
        this.report = report;
        this.log = log;
    }

    /**
     * Runs it.
     *
     * @param directory for the logs of programs
     */
    static void run(Target target, Path directory, Report report) throws CliException, IOException {
        Optional<Path> library = target.library();
        if (library.isEmpty()) {
            report.skip(
                    Area.NVML,
                    "everything",
                    "no libnvidia-ml.so.1 below "
                            + target.driverRoot()
                            + ": no driver, or its libraries are elsewhere (--driver-root DIR)");
            return;
        }
        Path file = directory.resolve("gpu-worker.log");
        try (OwnedFd log =
                Linux.host()
                        .files()
                        .openat(
                                Fd.CWD,
                                file.toString(),
                                Open.O_WRONLY | Open.O_CREAT | Open.O_APPEND,
                                0600)) {
            new NvmlHalf(target, library.get(), directory, report, log).all();
        } catch (ErrnoException e) {
            throw new CliException(1, "cannot start the GPU worker: " + e.getMessage(), e);
        } catch (CliException e) {
            String said = HostFacts.text(file).strip();
            report.judge(
                    Area.NVML,
                    "answers",
                    false,
                    e.getMessage() + (said.isEmpty() ? "" : "\nthe worker said: " + said));
        }
    }

    private void all() throws CliException, ErrnoException, IOException {
        List<Long> discoveries = new ArrayList<>();
        for (int i = 1; i < DISCOVERIES; i++) {
            long began = System.nanoTime();
            try (NvmlSource source = open()) {
                source.discover();
                discoveries.add(System.nanoTime() - began);
            }
        }
        long began = System.nanoTime();
        try (NvmlSource source = open()) {
            DeviceTable table = source.discover();
            discoveries.add(System.nanoTime() - began);
            devices(table);
            report.timing(Area.NVML, new Timing("discover (worker start included)", discoveries));
            if (!table.devices().isEmpty()) {
                readings(source);
                verifications(source, table);
                compare(source, table);
            }
        }
    }

    private NvmlSource open() throws ErrnoException {
        return NvmlSource.open(Linux.host(), target, library, log);
    }

    private void devices(DeviceTable table) {
        List<Json> all = new ArrayList<>();
        for (Device device : table.devices()) {
            Map<String, Json> members = new LinkedHashMap<>();
            members.put("Id", Json.of(device.id().value()));
            members.put("Index", Json.of(device.index()));
            members.put("Model", Json.of(device.model()));
            members.put("Minor", Json.of(device.minor().orElse(-1)));
            members.put("Pci", Json.of(device.pci().map(Object::toString).orElse("")));
            members.put("NumaNode", Json.of(device.numaNode().orElse(-1)));
            members.put("CpuList", Json.of(device.cpuList()));
            members.put("MemoryBytes", Json.of(device.memoryBytes()));
            Map<String, Json> attributes = new LinkedHashMap<>();
            device.attributes().forEach((name, value) -> attributes.put(name, Json.of(value)));
            members.put("Attributes", Json.of(attributes));
            all.add(Json.of(members));
            report.tell(
                    Area.NVML,
                    "GPU " + device.index(),
                    String.join(
                            ", ",
                            device.model(),
                            device.id().value(),
                            device.pci().map(Object::toString).orElse("no PCI address"),
                            (device.memoryBytes() >> 20) + " MiB",
                            "minor " + device.minor().orElse(-1)));
        }
        report.fact("Devices", Json.of(all));
        DeviceTable.DriverFacts driver = table.driver();
        report.fact("DriverVersion", Json.of(driver.version()));
        report.fact("NvmlVersion", Json.of(driver.nvml()));
        report.fact("CudaVersion", Json.of(driver.cuda()));
        report.judge(
                Area.NVML,
                "discovery",
                !table.devices().isEmpty(),
                table.devices().size()
                        + " GPUs, driver "
                        + driver.version()
                        + ", NVML "
                        + driver.nvml()
                        + ", CUDA "
                        + driver.cuda());
    }

    private void readings(NvmlSource source) throws CliException {
        List<Long> times = new ArrayList<>();
        List<DeviceSample> samples = List.of();
        for (int i = 0; i < CALLS; i++) {
            long began = System.nanoTime();
            samples = source.sample();
            times.add(System.nanoTime() - began);
        }
        List<Json> all = new ArrayList<>();
        int fewest = Integer.MAX_VALUE;
        for (DeviceSample sample : samples) {
            Map<String, Json> members = new LinkedHashMap<>();
            members.put("Id", Json.of(sample.device().value()));
            sample.values()
                    .forEach((metric, is) -> members.put(metric.exportedName(), Json.of(is)));
            all.add(Json.of(members));
            fewest = Math.min(fewest, sample.values().size());
        }
        report.fact("Samples", Json.of(all));
        report.judge(
                Area.NVML,
                "readings",
                !samples.isEmpty() && fewest > 0,
                samples.size()
                        + " GPUs, at least "
                        + (samples.isEmpty() ? 0 : fewest)
                        + " metrics");
        report.timing(Area.NVML, new Timing("sample (all GPUs)", times));
    }

    private void verifications(NvmlSource source, DeviceTable table) throws CliException {
        List<Long> times = new ArrayList<>();
        List<String> problems = new ArrayList<>();
        for (int i = 0; i < CALLS; i++) {
            problems.clear();
            for (Device device : table.devices()) {
                long began = System.nanoTime();
                Cleanliness found = source.verify(device.id());
                times.add(System.nanoTime() - began);
                found.problem().ifPresent(problem -> problems.add(device.index() + ": " + problem));
            }
        }
        report.tell(
                Area.NVML,
                "clean now",
                problems.isEmpty() ? "every GPU" : String.join("\n", problems));
        report.timing(Area.NVML, new Timing("verify (one GPU)", times));
    }

    private void compare(NvmlSource source, DeviceTable table) throws CliException, IOException {
        Optional<Path> path = target.smi();
        if (path.isEmpty()) {
            report.skip(Area.SMI, "everything", "no nvidia-smi below " + target.driverRoot());
            return;
        }
        SmiTool tool = new SmiTool(path.get(), target.smiEnvironment());
        if (!target.hasCuda()) {
            compare(source, table, tool);
            report.skip(Area.NVML, "CUDA without a container", "no libcuda.so.1 beside " + library);
            return;
        }
        try (HostProgram program =
                HostProgram.start(target, directory.resolve("cuda-on-host.out"))) {
            boolean holding = program.awaitHolding();
            compare(source, table, tool);
            report.tell(
                    Area.SMI,
                    "during the comparison",
                    holding
                            ? "our CUDA program used a GPU, pid " + program.pid() + " here"
                            : "no GPU was used by our CUDA program");
            Once.Ended ended = program.finish();
            report.fact("CudaOnHost", Json.of(ended.output()));
            Set<String> all =
                    table.devices().stream()
                            .map(device -> device.id().value())
                            .collect(Collectors.toSet());
            report.addAll(CudaOutput.of(ended.output()).judge(Area.NVML, all, ended.code()));
        }
    }

    private void compare(NvmlSource source, DeviceTable table, SmiTool tool) throws CliException {
        List<Finding> findings = List.of();
        for (int i = 0; i < TRIES; i++) {
            List<DeviceSample> samples = source.sample();
            findings =
                    new ArrayList<>(
                            SmiComparison.compare(
                                    table, samples, tool.query("gpu", SmiComparison.fields())));
            findings.add(
                    SmiComparison.processes(samples, tool.query("compute-apps", PROCESS_FIELDS)));
            if (findings.stream().noneMatch(finding -> finding.state() == State.FAILED)) {
                break;
            }
            LockSupport.parkNanos(REST_NS);
        }
        report.addAll(findings);
    }
}
