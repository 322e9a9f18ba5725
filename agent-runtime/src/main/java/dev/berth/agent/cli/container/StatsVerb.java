package dev.berth.agent.cli.container;

import dev.berth.agent.cli.args.Arguments;
import dev.berth.agent.cli.args.Flag;
import dev.berth.agent.cli.args.UsageException;
import dev.berth.agent.cli.args.VerbSpec;
import dev.berth.agent.cli.http.EngineException;
import dev.berth.agent.cli.http.Query;
import dev.berth.agent.cli.http.Response;
import dev.berth.agent.cli.json.Json;
import dev.berth.agent.cli.session.Cli;
import dev.berth.agent.cli.session.CliException;
import dev.berth.agent.cli.session.Format;
import dev.berth.agent.cli.session.Verb;
import dev.berth.agent.cli.view.Human;
import dev.berth.agent.cli.view.Table;

import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.locks.LockSupport;

/** {@code berth stats}. */
public final class StatsVerb implements Verb {
    private static final long SAMPLE_NS = 1_000_000_000L;

    @Override
    public VerbSpec spec() {
        return VerbSpec.of(
                        VerbSpec.Group.CONTAINERS,
                        "stats [CONTAINER...]",
                        "Show what containers use, once a second",
                        0,
                        VerbSpec.ANY,
                        List.of(
                                Flag.toggle("no-stream", "Show one sample and end"),
                                Flag.toggle("no-trunc", "Show whole ids"),
                                Format.FLAG))
                .examples("All that run, once", "berth stats --no-stream");
    }

    @Override
    public int run(Cli cli, Arguments arguments) throws UsageException, CliException, IOException {
        boolean json = Format.isJson(arguments);
        boolean once = arguments.has("no-stream");
        boolean redraw = !once && !json && cli.isTerminal(1);
        Map<String, Json> before = sample(cli, arguments);
        while (true) {
            // One pause for all: processor shares are differences between two samples.
            LockSupport.parkNanos(SAMPLE_NS);
            Map<String, Json> now = sample(cli, arguments);
            if (json) {
                Format.printEach(cli, List.copyOf(now.values()));
            } else {
                cli.out().print(redraw ? "\u001b[H\u001b[J" : "");
                cli.out().print(table(before, now, arguments.has("no-trunc")));
            }
            cli.out().flush();
            if (once || cli.out().checkError()) {
                return 0;
            }
            before = now;
        }
    }

    private static Map<String, Json> sample(Cli cli, Arguments arguments)
            throws CliException, IOException {
        Map<String, Json> samples = new LinkedHashMap<>();
        for (String container : targets(cli, arguments)) {
            Query query =
                    Query.of("/containers/" + Query.encode(container) + "/stats")
                            .with("stream", "0")
                            .with("one-shot", "1");
            try (Response response = cli.client().get(query)) {
                samples.put(container, response.json());
            } catch (EngineException e) {
                if (!arguments.operands().isEmpty()) {
                    throw e;
                }
                // It ended between the list and the question.
            }
        }
        return samples;
    }

    private static List<String> targets(Cli cli, Arguments arguments)
            throws CliException, IOException {
        if (!arguments.operands().isEmpty()) {
            return arguments.operands();
        }
        List<String> ids = new ArrayList<>();
        try (Response response = cli.client().get(Query.of("/containers/json"))) {
            for (Json container : response.json().items()) {
                ids.add(container.at("Id").text());
            }
        }
        return ids;
    }

    static Table table(Map<String, Json> before, Map<String, Json> now, boolean whole) {
        Table table =
                new Table(
                        "CONTAINER ID",
                        "NAME",
                        "CPU %",
                        "MEM USAGE / LIMIT",
                        "MEM %",
                        "BLOCK I/O",
                        "PIDS");
        for (Map.Entry<String, Json> entry : now.entrySet()) {
            Json sample = entry.getValue();
            String id = sample.at("id").text();
            String name = sample.at("name").text();
            long limit = sample.at("memory_stats", "limit").number();
            long used =
                    sample.at("memory_stats", "usage").number()
                            - sample.at("memory_stats", "stats", "inactive_file").number();
            boolean memory = !sample.at("memory_stats", "usage").isNull();
            table.row(
                    whole ? id : Human.shortId(id),
                    name.startsWith("/") ? name.substring(1) : name,
                    percent(cpu(before.getOrDefault(entry.getKey(), Json.NULL), sample)),
                    memory
                            ? Human.binarySize(Math.max(0, used))
                                    + " / "
                                    + (limit > 0 ? Human.binarySize(limit) : "--")
                            : "-- / --",
                    memory && limit > 0 ? percent(100.0 * used / limit) : "--",
                    blockIo(sample),
                    sample.at("pids_stats", "current").text("--"));
        }
        return table;
    }

    /** As docker computes it: share of all processors' time between two samples, times the number of processors; negative when it is not known. */
    static double cpu(Json before, Json now) {
        Json usedNow = now.at("cpu_stats", "cpu_usage", "total_usage");
        Json usedBefore = before.at("cpu_stats", "cpu_usage", "total_usage");
        double used = usedNow.decimal() - usedBefore.decimal();
        double all =
                now.at("cpu_stats", "system_cpu_usage").decimal()
                        - before.at("cpu_stats", "system_cpu_usage").decimal();
        if (usedNow.isNull() || usedBefore.isNull() || all <= 0 || used < 0) {
            return -1;
        }
        return used / all * Math.max(1, now.at("cpu_stats", "online_cpus").number()) * 100;
    }

    private static String percent(double value) {
        return value < 0 ? "--" : String.format(Locale.ROOT, "%.2f%%", value);
    }

    private static String blockIo(Json sample) {
        Json entries = sample.at("blkio_stats", "io_service_bytes_recursive");
        if (!entries.isArray()) {
            return "-- / --";
        }
        long read = 0;
        long written = 0;
        for (Json entry : entries.items()) {
            switch (entry.at("op").text()) {
                case "read", "Read" -> read += entry.at("value").number();
                case "write", "Write" -> written += entry.at("value").number();
                default -> {
                    // Discards and the like are not transfer.
                }
            }
        }
        return Human.size(read) + " / " + Human.size(written);
    }
}
