package dev.berth.tests.bench;

import dev.berth.gpu.simulator.Simulator;
import dev.berth.gpu.simulator.SimulatorControl;
import dev.berth.gpu.simulator.SimulatorException;
import dev.berth.linux.Linux;
import dev.berth.tests.kit.EngineSocket;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What a GPU costs. {@code start}: start to exit of one static program with a simulated GPU beside the same without, in turns. {@code hang}: answers of the API and starts on another GPU while every NVML call hangs, beside
 * the same without a hang. {@code tests/bench/gpu} sets the stage.
 */
public final class GpuBench {
    private static final Pattern ID = Pattern.compile("\"Id\":\"([0-9a-f]{64})\"");
    private static final Pattern STAGE = Pattern.compile("\\{\"Stage\":\"([^\"]+)\",\"Us\":(\\d+)");
    private static final String ONE_GPU =
            ",\"DeviceRequests\":[{\"Count\":1,\"Capabilities\":[[\"gpu\"]]}]";
    private static final PrintStream OUT =
            new PrintStream(System.out, true, StandardCharsets.UTF_8);

    private final Path socket;
    private final EngineSocket commands;
    private final EngineSocket waits;

    private GpuBench(Path socket) throws IOException {
        this.socket = socket;
        this.commands = new EngineSocket(socket);
        this.waits = new EngineSocket(socket);
    }

    /** Arguments: {@code start SOCKET PROGRAM ROUNDS WARM-UP} or {@code hang SOCKET PROGRAM SIMULATOR SECONDS}. */
    public static void main(String[] args) throws IOException, SimulatorException {
        GpuBench bench = new GpuBench(Path.of(args[1]));
        StartBench.load(bench.commands, Path.of(args[2]));
        OUT.printf(
                Locale.ROOT,
                "%-34s %8s %8s %8s %8s %8s%n",
                "milliseconds",
                "min",
                "p10",
                "p50",
                "p99",
                "max");
        if (args[0].equals("start")) {
            bench.starts(Integer.parseInt(args[3]), Integer.parseInt(args[4]));
        } else {
            bench.hang(Path.of(args[3]), Integer.parseInt(args[4]));
        }
    }

    /** Times of rounds of one kind. */
    private static final class Series {
        private final List<Long> took = new ArrayList<>();
        private final List<Long> answered = new ArrayList<>();
        private final Map<String, List<Long>> stages = new TreeMap<>();
        private final List<String> order = new ArrayList<>();

        private static Percentiles of(List<Long> times) {
            return Percentiles.of(times.stream().mapToLong(Long::longValue).toArray());
        }

        private void stamp(String inspect) {
            Matcher stage = STAGE.matcher(inspect);
            long first = -1;
            while (stage.find()) {
                long at = Long.parseLong(stage.group(2));
                first = first < 0 ? at : first;
                String name = stage.group(1);
                if (!stages.containsKey(name)) {
                    order.add(name);
                }
                stages.computeIfAbsent(name, _ -> new ArrayList<>()).add(at - first);
            }
        }

        private double median(String stage) {
            return stages.containsKey(stage) ? of(stages.get(stage)).at(50) : Double.NaN;
        }
    }

    private void starts(int rounds, int warmUp) throws IOException {
        Series plain = new Series();
        Series gpu = new Series();
        for (int i = -warmUp; i < rounds; i++) {
            boolean first = i % 2 == 0;
            round(first ? plain : gpu, !first, i >= 0);
            round(first ? gpu : plain, first, i >= 0);
        }
        Percentiles without = Series.of(plain.took);
        Percentiles with = Series.of(gpu.took);
        OUT.println(without.row("start to exit, no GPU"));
        OUT.println(with.row("start to exit, one GPU"));
        OUT.println(Series.of(plain.answered).row("  start is answered, no GPU"));
        OUT.println(Series.of(gpu.answered).row("  start is answered, one GPU"));
        OUT.printf(
                Locale.ROOT,
                "a GPU adds: p10 %.3f ms, p50 %.3f ms, p99 %.3f ms%n",
                (with.at(10) - without.at(10)) / 1e6,
                (with.at(50) - without.at(50)) / 1e6,
                (with.at(99) - without.at(99)) / 1e6);
        OUT.printf(
                Locale.ROOT,
                "%n%-34s %10s %10s%n",
                "stage, microseconds (p50)",
                "no GPU",
                "one GPU");
        for (String stage : gpu.order) {
            OUT.printf(
                    Locale.ROOT,
                    "  %-32s %10.0f %10.0f%n",
                    stage,
                    plain.median(stage),
                    gpu.median(stage));
        }
    }

    private String create(boolean gpu) throws IOException {
        String made =
                commands.call(
                        "POST",
                        "/v1.47/containers/create",
                        "{\"Image\":\""
                                + StartBench.IMAGE
                                + "\",\"Cmd\":[\"/bin/true\"],\"HostConfig\":{\"NetworkMode\":\"none\""
                                + (gpu ? ONE_GPU : "")
                                + "}}");
        Matcher id = ID.matcher(made);
        if (!id.find()) {
            throw new IOException("no id in " + made);
        }
        return id.group(1);
    }

    private void round(Series series, boolean gpu, boolean counts) throws IOException {
        String id = create(gpu);
        waits.send("POST", "/v1.47/containers/" + id + "/wait?condition=next-exit", "");
        long before = System.nanoTime();
        commands.send("POST", "/v1.47/containers/" + id + "/start", "");
        commands.receive();
        long started = System.nanoTime() - before;
        String end = waits.receive();
        long took = System.nanoTime() - before;
        if (!end.contains("\"StatusCode\":0")) {
            throw new IOException("the container did not end with 0: " + end);
        }
        if (counts) {
            series.took.add(took);
            series.answered.add(started);
            series.stamp(commands.call("GET", "/v1.47/containers/" + id + "/json", ""));
        }
        commands.call("DELETE", "/v1.47/containers/" + id, "");
    }

    /** A hang of every NVML call for so long, and as long without one; a container runs on a GPU of its own meanwhile. */
    private void hang(Path simulator, int seconds) throws IOException, SimulatorException {
        SimulatorControl control =
                Simulator.controlOf(Linux.host(), simulator)
                        .orElseThrow(() -> new IOException("no simulator in " + simulator));
        window(10, new Series(), new Series(), false);
        Series calls = new Series();
        Series starts = new Series();
        window(seconds, calls, starts, true);
        control.apply("hang " + seconds * 1000L);
        Series hungCalls = new Series();
        Series hungStarts = new Series();
        window(seconds, hungCalls, hungStarts, true);
        control.clearFaults();
        OUT.println(Series.of(calls.took).row("API calls, NVML answers"));
        OUT.println(Series.of(hungCalls.took).row("API calls, NVML hangs"));
        OUT.println(Series.of(starts.took).row("start to exit, NVML answers"));
        OUT.println(Series.of(hungStarts.took).row("start to exit, NVML hangs"));
        OUT.printf(
                Locale.ROOT,
                "p99 of API calls: %.2f of that without a hang%n",
                (double) Series.of(hungCalls.took).at(99) / Series.of(calls.took).at(99));
    }

    /** Inspections, lists and starts without a GPU, one after the other. */
    private void window(int seconds, Series calls, Series starts, boolean counts)
            throws IOException {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(seconds);
        try (EngineSocket readers = new EngineSocket(socket)) {
            while (System.nanoTime() - end < 0) {
                for (String path :
                        List.of(
                                "/v1.47/containers/json?all=1",
                                "/v1.47/berth/gpus/health",
                                "/v1.47/version")) {
                    long before = System.nanoTime();
                    readers.call("GET", path, "");
                    calls.took.add(System.nanoTime() - before);
                }
                round(starts, false, counts);
            }
        }
    }
}
