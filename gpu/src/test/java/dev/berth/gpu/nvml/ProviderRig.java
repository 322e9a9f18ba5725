package dev.berth.gpu.nvml;

import static java.util.Objects.requireNonNull;

import dev.berth.gpu.DeviceEvent;
import dev.berth.gpu.DeviceId;
import dev.berth.gpu.DeviceTable;
import dev.berth.gpu.HealthSignal;
import dev.berth.gpu.simulator.Machine;
import dev.berth.gpu.simulator.Simulator;
import dev.berth.linux.Fd;
import dev.berth.linux.Linux;
import dev.berth.linux.Open;
import dev.berth.linux.OwnedFd;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;

/** The real provider and its real worker on a simulated machine. */
final class ProviderRig implements AutoCloseable {
    private static final Duration PATIENCE = Duration.ofSeconds(60);

    final Simulator simulator;
    final NvmlDeviceProvider provider;
    final Path log;
    final List<DeviceEvent> seen = new ArrayList<>();
    private final OwnedFd logFile;
    private final Semaphore news = new Semaphore(0);

    ProviderRig(Path directory, String machine) throws Exception {
        this(directory, machine, UnaryOperator.identity(), _ -> {});
    }

    /** Prepares the machine before the worker starts. */
    interface Preparation {
        void on(Simulator simulator) throws Exception;
    }

    ProviderRig(
            Path directory,
            String machine,
            UnaryOperator<NvmlSettings> adjustment,
            Preparation preparation)
            throws Exception {
        Linux linux = Linux.host();
        simulator = Simulator.start(linux, directory.resolve("sim"), Machine.shipped(machine));
        preparation.on(simulator);
        log = Files.createFile(directory.resolve("worker.log"));
        logFile = linux.files().openat(Fd.CWD, log.toString(), Open.O_WRONLY | Open.O_APPEND, 0);
        provider =
                NvmlDeviceProvider.open(
                        linux, adjustment.apply(settings(simulator, logFile, directory)));
        provider.onNews(news::release);
    }

    static NvmlSettings settings(Simulator simulator, Fd log, Path directory) {
        Map<String, String> environment = new HashMap<>(simulator.environment());
        environment.put("LC_ALL", "C");
        List<String> flags = new ArrayList<>(NvmlSettings.JVM_FLAGS);
        flags.add("-Djna.tmpdir=" + directory);
        NvmlSettings.Worker worker =
                new NvmlSettings.Worker(
                        Path.of(System.getProperty("java.home"), "bin", "java"),
                        System.getProperty(
                                "surefire.test.class.path",
                                requireNonNull(System.getProperty("java.class.path"))),
                        flags,
                        environment,
                        log,
                        Optional.empty());
        return NvmlSettings.of(simulator.hostRoot(), simulator.library(), worker);
    }

    /** Events until one is found; it and those before it are then in {@link #seen}. */
    <T extends DeviceEvent> T await(Class<T> type, Predicate<T> wanted) throws Exception {
        long end = System.nanoTime() + PATIENCE.toNanos();
        while (true) {
            DeviceEvent[] next = new DeviceEvent[1];
            while (provider.poll(event -> next[0] = event, 1) == 1) {
                seen.add(next[0]);
                if (type.isInstance(next[0]) && wanted.test(type.cast(next[0]))) {
                    return type.cast(next[0]);
                }
            }
            if (!news.tryAcquire(end - System.nanoTime(), TimeUnit.NANOSECONDS)) {
                throw new AssertionError(
                        "no such "
                                + type.getSimpleName()
                                + " after "
                                + seen
                                + "\nlog: "
                                + Files.readString(log));
            }
        }
    }

    DeviceTable table() throws Exception {
        return await(DeviceEvent.TableChanged.class, _ -> true).table();
    }

    /** The table, and that the source works. */
    DeviceTable ready() throws Exception {
        DeviceTable table = table();
        await(DeviceEvent.SourceChanged.class, DeviceEvent.SourceChanged::working);
        return table;
    }

    HealthSignal signal(HealthSignal.Kind kind) throws Exception {
        return await(DeviceEvent.Signalled.class, event -> event.signal().kind() == kind).signal();
    }

    DeviceEvent.Verified verify(DeviceId id) throws Exception {
        provider.verify(id);
        return await(DeviceEvent.Verified.class, event -> event.id().equals(id));
    }

    List<HealthSignal.Kind> signalled() {
        return seen.stream()
                .filter(DeviceEvent.Signalled.class::isInstance)
                .map(event -> ((DeviceEvent.Signalled) event).signal().kind())
                .toList();
    }

    /** Pids of the workers of this machine. */
    List<Integer> workers() throws Exception {
        List<Integer> pids = new ArrayList<>();
        try (Stream<Path> processes = Files.list(Path.of("/proc"))) {
            for (Path process :
                    processes.filter(p -> p.getFileName().toString().matches("\\d+")).toList()) {
                String command;
                try {
                    command = Files.readString(process.resolve("cmdline"));
                } catch (java.io.IOException e) {
                    continue;
                }
                if (command.contains(WorkerMain.class.getName())
                        && command.contains(simulator.library().toString())) {
                    pids.add(Integer.parseInt(process.getFileName().toString()));
                }
            }
        }
        return pids;
    }

    @Override
    public void close() {
        provider.close();
        logFile.close();
    }
}
