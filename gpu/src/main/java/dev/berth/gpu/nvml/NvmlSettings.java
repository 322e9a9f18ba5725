package dev.berth.gpu.nvml;

import dev.berth.linux.Fd;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What the provider needs to know.
 *
 * @param hostRoot below which the host's {@code proc}, {@code sys} and {@code usr} are read: {@code /}, or a simulated host's
 * @param library {@code libnvidia-ml.so.1}; see {@link #findLibrary}
 * @param worker how the worker is started
 * @param deadlines how long the driver may take
 * @param memoryEpsilonBytes how far above its baseline an idle device's memory may be
 * @param mostBaselineBytes what an idle device may use at most when its baseline is learned: more is a leftover
 */
public record NvmlSettings(
        Path hostRoot,
        Path library,
        Worker worker,
        Deadlines deadlines,
        long memoryEpsilonBytes,
        long mostBaselineBytes) {
    /** Where distributions put the library, below the host's root. */
    public static final List<String> LIBRARY_PLACES =
            List.of(
                    "usr/lib/x86_64-linux-gnu/libnvidia-ml.so.1",
                    "usr/lib/aarch64-linux-gnu/libnvidia-ml.so.1",
                    "usr/lib64/libnvidia-ml.so.1",
                    "usr/lib/libnvidia-ml.so.1",
                    "usr/lib/wsl/lib/libnvidia-ml.so.1",
                    // Where a container has it that was given GPUs.
                    "usr/local/nvidia/lib64/libnvidia-ml.so.1");

    /** What every JVM of ours needs, and what keeps the worker small. */
    public static final List<String> JVM_FLAGS =
            List.of(
                    "-XX:+UseSerialGC",
                    "-XX:TieredStopAtLevel=1",
                    "-XX:-UsePerfData",
                    "-XX:+ExitOnOutOfMemoryError",
                    "-Xms8m",
                    "-Xmx48m",
                    "-Xss512k",
                    "--add-exports=java.base/jdk.internal.misc=ALL-UNNAMED",
                    "--enable-native-access=ALL-UNNAMED",
                    "--illegal-native-access=deny",
                    "--sun-misc-unsafe-memory-access=deny");

    private static final long MIB = 1 << 20;

    /**
     * The worker's process.
     *
     * @param java the {@code java} executable
     * @param jvmFlags {@link #JVM_FLAGS} and, in a packaged runtime, where JNA's own library lies
     * @param environment all of it
     * @param log descriptors 1 and 2 of the worker; borrowed for the provider's life
     * @param cgroup directory of the cgroup that the worker is moved to; borrowed for the provider's life
     */
    public record Worker(
            Path java,
            String classPath,
            List<String> jvmFlags,
            Map<String, String> environment,
            Fd log,
            Optional<Fd> cgroup) {
        public Worker {
            jvmFlags = List.copyOf(jvmFlags);
            environment = Map.copyOf(environment);
        }
    }

    /**
     * Times after which something is taken for hung.
     *
     * @param init one call that opens the driver or a device: without persistence mode that takes 2 s a device, and the driver's own limit for a call is 25 s
     * @param query any other call
     * @param eventWait how long the worker waits for an event at a time; letting go takes up to this
     * @param kill until a killed worker is taken for one that cannot end
     * @param reset {@code nvidia-smi --gpu-reset}
     * @param firstRetry rest before the second start in a row; doubles up to {@code lastRetry}
     * @param lastRetry longest rest between starts, and how long a worker must have answered for the row to end
     * @param firstProbe until a device that hung is asked again; doubles up to {@code lastProbe}
     */
    public record Deadlines(
            Duration init,
            Duration query,
            Duration eventWait,
            Duration kill,
            Duration reset,
            Duration firstRetry,
            Duration lastRetry,
            Duration firstProbe,
            Duration lastProbe) {
        public static final Deadlines DEFAULT =
                new Deadlines(
                        Duration.ofSeconds(30),
                        Duration.ofSeconds(5),
                        Duration.ofMillis(500),
                        Duration.ofSeconds(2),
                        Duration.ofSeconds(60),
                        Duration.ofSeconds(1),
                        Duration.ofSeconds(60),
                        Duration.ofSeconds(30),
                        Duration.ofMinutes(5));

        /** These with another limit for a query. */
        public Deadlines withQuery(Duration limit) {
            return new Deadlines(
                    init,
                    limit,
                    eventWait,
                    kill,
                    reset,
                    firstRetry,
                    lastRetry,
                    firstProbe,
                    lastProbe);
        }

        /** These with another limit for opening the driver. */
        public Deadlines withInit(Duration limit) {
            return new Deadlines(
                    limit,
                    query,
                    eventWait,
                    kill,
                    reset,
                    firstRetry,
                    lastRetry,
                    firstProbe,
                    lastProbe);
        }

        /** These with another first rest, and as long a rest before a hung device is asked again. */
        public Deadlines withFirstRests(Duration retry, Duration probe) {
            return new Deadlines(
                    init, query, eventWait, kill, reset, retry, lastRetry, probe, lastProbe);
        }
    }

    /** With the default deadlines and limits: 16 MiB above the baseline, which is at most 1 GiB. */
    public static NvmlSettings of(Path hostRoot, Path library, Worker worker) {
        return new NvmlSettings(hostRoot, library, worker, Deadlines.DEFAULT, 16 * MIB, 1024 * MIB);
    }

    public NvmlSettings withDeadlines(Deadlines other) {
        return new NvmlSettings(
                hostRoot, library, worker, other, memoryEpsilonBytes, mostBaselineBytes);
    }

    /** The library below a root; empty when the host has none. */
    public static Optional<Path> findLibrary(Path hostRoot) {
        return LIBRARY_PLACES.stream().map(hostRoot::resolve).filter(Files::exists).findFirst();
    }
}
