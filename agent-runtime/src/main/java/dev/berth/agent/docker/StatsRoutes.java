package dev.berth.agent.docker;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;

import dev.berth.agent.conductor.Answer;
import dev.berth.agent.conductor.ContainerView;
import dev.berth.agent.config.AgentException;
import dev.berth.agent.config.ProcFacts;
import dev.berth.isolator.Usage;

import io.netty.buffer.Unpooled;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/** {@code GET /containers/ID/stats}: once, or every second. */
final class StatsRoutes {
    private static final JsonNodeFactory NODES = JsonNodeFactory.instance;

    private StatsRoutes() {}

    static void add(Route.Table table) {
        table.add("GET", "/containers/*/stats", StatsRoutes::stats);
    }

    private static void stats(Exchange exchange) throws AgentException {
        ContainerView view = exchange.context().containers().resolve(exchange.star(0));
        boolean stream = !exchange.has("stream") || exchange.flag("stream");
        Session session = new Session(exchange, view, stream);
        exchange.onGone(session::leave);
        session.sample();
    }

    private static final class Session implements Answer<Optional<Usage>> {
        private final Exchange exchange;
        private final ContainerView view;
        private final boolean stream;
        private @Nullable ByteSink sink;
        private @Nullable ObjectNode before;
        private boolean over;

        private Session(Exchange exchange, ContainerView view, boolean stream) {
            this.exchange = exchange;
            this.view = view;
            this.stream = stream;
        }

        private void sample() {
            if (!over) {
                exchange.context().conductor().usage(view.id().value(), this);
            }
        }

        @Override
        public void onResult(Optional<Usage> usage) {
            if (over) {
                return;
            }
            ObjectNode now = sampleJson(usage);
            ObjectNode first = before;
            // Without one-shot a single sample comes with the one of a second before it, so that
            // the client can tell the share of the CPU.
            if (!stream && first == null && !exchange.flag("one-shot")) {
                before = now;
                again();
                return;
            }
            ObjectNode out = stats(now, first);
            before = now;
            if (!stream) {
                over = true;
                exchange.answer(200, out);
                return;
            }
            ByteSink open = sink;
            if (open == null) {
                open = exchange.stream(200, "application/json");
                sink = open;
                open.onChange(() -> {}, this::leave);
            }
            if (open.isWritable()) {
                open.write(Unpooled.wrappedBuffer((out + "\n").getBytes(StandardCharsets.UTF_8)));
                open.flush();
            }
            again();
        }

        private void again() {
            exchange.context().after(1, TimeUnit.SECONDS, this::sample);
        }

        @Override
        public void onFailure(AgentException failure) {
            over = true;
            ByteSink open = sink;
            if (open == null) {
                exchange.fail(failure);
            } else {
                open.end();
            }
        }

        private void leave() {
            over = true;
        }

        private ObjectNode stats(ObjectNode now, @Nullable ObjectNode first) {
            ObjectNode out = NODES.objectNode();
            out.put("name", "/" + view.name()).put("id", view.id().value());
            out.setAll(now.deepCopy());
            out.set("precpu_stats", first == null ? emptyCpu() : first.path("cpu_stats"));
            out.put("preread", first == null ? Times.rfc3339(0) : first.path("read").asText());
            return out;
        }
    }

    private static ObjectNode emptyCpu() {
        ObjectNode out = NODES.objectNode();
        out.putObject("cpu_usage")
                .put("total_usage", 0)
                .put("usage_in_kernelmode", 0)
                .put("usage_in_usermode", 0);
        throttling(out, 0, 0);
        return out;
    }

    private static void throttling(ObjectNode out, long periods, long us) {
        out.putObject("throttling_data")
                .put("periods", 0)
                .put("throttled_periods", Math.max(0, periods))
                .put("throttled_time", Math.max(0, us) * 1000);
    }

    /** One sample; what the host has no controller for is left out, as Docker does. */
    private static ObjectNode sampleJson(Optional<Usage> found) {
        ObjectNode out = NODES.objectNode();
        long readNs = found.map(Usage::timestampNs).orElse(0L);
        out.put("read", Times.rfc3339(readNs));
        ObjectNode pids = out.putObject("pids_stats");
        ObjectNode io = out.putObject("blkio_stats");
        io.putNull("io_serviced_recursive");
        out.put("num_procs", 0).putObject("storage_stats");
        ObjectNode memory = out.putObject("memory_stats");
        if (found.isEmpty()) {
            out.set("cpu_stats", emptyCpu());
            return out;
        }
        Usage usage = found.get();
        put(pids, "current", usage.pids());
        put(pids, "limit", usage.pidsLimit());
        ObjectNode cpu = out.putObject("cpu_stats");
        cpu.putObject("cpu_usage")
                .put("total_usage", Math.max(0, usage.cpuTotalUs()) * 1000)
                .put("usage_in_kernelmode", Math.max(0, usage.cpuSystemUs()) * 1000)
                .put("usage_in_usermode", Math.max(0, usage.cpuUserUs()) * 1000);
        cpu.put("system_cpu_usage", systemCpuNs());
        cpu.put("online_cpus", Runtime.getRuntime().availableProcessors());
        throttling(cpu, usage.throttledPeriods(), usage.throttledUs());
        if (usage.memoryBytes() >= 0) {
            memory.put("usage", usage.memoryBytes());
            put(memory, "max_usage", usage.memoryPeakBytes());
            memory.putObject("stats")
                    .put("inactive_file", Math.max(0, usage.memoryInactiveFileBytes()))
                    .put("oom_kill", Math.max(0, usage.oomKills()));
            memory.put(
                    "limit",
                    usage.memoryLimitBytes() > 0 && usage.memoryLimitBytes() < Long.MAX_VALUE / 2
                            ? usage.memoryLimitBytes()
                            : ProcFacts.memoryBytes());
        }
        var bytes = io.putArray("io_service_bytes_recursive");
        if (usage.ioReadBytes() >= 0) {
            bytes.addObject()
                    .put("major", 0)
                    .put("minor", 0)
                    .put("op", "read")
                    .put("value", usage.ioReadBytes());
            bytes.addObject()
                    .put("major", 0)
                    .put("minor", 0)
                    .put("op", "write")
                    .put("value", Math.max(0, usage.ioWriteBytes()));
        }
        return out;
    }

    private static void put(ObjectNode out, String name, long value) {
        if (value >= 0) {
            out.put(name, value);
        }
    }

    /** Time of all CPUs since boot: the sum of the first line of {@code /proc/stat}, in ticks of 10 ms. */
    private static long systemCpuNs() {
        try {
            String[] words =
                    Files.readString(Path.of("/proc/stat"))
                            .lines()
                            .findFirst()
                            .orElse("")
                            .split(" +");
            long ticks = 0;
            for (int i = 1; i < Math.min(words.length, 9); i++) {
                ticks += Long.parseLong(words[i]);
            }
            return ticks * 10_000_000L;
        } catch (IOException | NumberFormatException _) {
            return 0;
        }
    }
}
