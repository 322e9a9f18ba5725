package dev.berth.agent.docker;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;

import dev.berth.agent.conductor.AgentEvent;
import dev.berth.agent.conductor.ConductorProxy;
import dev.berth.agent.conductor.ContainerView;
import dev.berth.agent.conductor.Counter;
import dev.berth.agent.conductor.EventListener;
import dev.berth.agent.conductor.Status;
import dev.berth.agent.config.AgentConfig;
import dev.berth.agent.config.AgentException;
import dev.berth.agent.config.ProcFacts;
import dev.berth.agent.device.DeviceSnapshot;
import dev.berth.linux.ErrnoException;

import io.netty.buffer.Unpooled;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;

/** Ping, version, info, events, counters. */
final class SystemRoutes {
    private static final JsonNodeFactory NODES = JsonNodeFactory.instance;

    private SystemRoutes() {}

    static void add(Route.Table table) {
        table.add(
                "GET",
                "/_ping",
                exchange ->
                        exchange.answer(
                                200,
                                "text/plain; charset=utf-8",
                                "OK".getBytes(StandardCharsets.US_ASCII),
                                Map.of(
                                        "Cache-Control",
                                        "no-cache, no-store, must-revalidate",
                                        "Pragma",
                                        "no-cache",
                                        "Builder-Version",
                                        "",
                                        "Swarm",
                                        "inactive")));
        table.add("GET", "/version", SystemRoutes::version);
        table.add("GET", "/info", SystemRoutes::info);
        table.add("GET", "/events", SystemRoutes::events);
        table.add("GET", "/system/df", SystemRoutes::usage);
        table.add("GET", "/berth/counters", SystemRoutes::counters);
        table.add("POST", "/auth", SystemRoutes::auth);
        // Clients list these to fill their tables; there are none, and none can be made.
        table.add(
                "GET",
                "/volumes",
                exchange -> {
                    ObjectNode out = NODES.objectNode();
                    out.putArray("Volumes");
                    out.putNull("Warnings");
                    exchange.answer(200, out);
                });
        table.add("GET", "/networks", SystemRoutes::networks);
    }

    private static void auth(Exchange exchange) throws AgentException {
        throw new AgentException(
                AgentException.Kind.UNSUPPORTED,
                "docker login is not supported by Berth yet: credentials are read from the client's config.json at each pull");
    }

    private static void networks(Exchange exchange) {
        ArrayNode out = NODES.arrayNode();
        for (String name : List.of("none", "host")) {
            ObjectNode network = out.addObject();
            network.put("Name", name).put("Id", name).put("Scope", "local");
            network.put("Driver", name.equals("none") ? "null" : "host");
            network.put("EnableIPv6", false).put("Internal", false).put("Attachable", false);
            network.putObject("Containers");
            network.putObject("Options");
            network.putObject("Labels");
            network.putObject("IPAM").put("Driver", "default").putArray("Config");
        }
        exchange.answer(200, out);
    }

    private static String kernel(ApiContext context) {
        try {
            return context.linux().processes().kernelRelease();
        } catch (ErrnoException e) {
            return String.valueOf(e.getMessage());
        }
    }

    private static String architecture() {
        return System.getProperty("os.arch").equals("aarch64") ? "arm64" : "amd64";
    }

    private static void version(Exchange exchange) {
        ApiContext context = exchange.context();
        String kernel = kernel(context);
        String api = "1." + HttpConnection.NEWEST_MINOR;
        String oldest = "1." + HttpConnection.OLDEST_MINOR;
        ObjectNode out = NODES.objectNode();
        out.putObject("Platform").put("Name", "Berth");
        ObjectNode component = out.putArray("Components").addObject();
        component.put("Name", "Berth").put("Version", AgentConfig.VERSION);
        component
                .putObject("Details")
                .put("ApiVersion", api)
                .put("MinAPIVersion", oldest)
                .put("Arch", architecture())
                .put("Os", "linux")
                .put("KernelVersion", kernel)
                .put("Java", Runtime.version().toString());
        out.put("Version", AgentConfig.VERSION);
        out.put("ApiVersion", api).put("MinAPIVersion", oldest);
        out.put("GitCommit", "").put("GoVersion", "none (Java " + Runtime.version() + ")");
        out.put("Os", "linux").put("Arch", architecture()).put("KernelVersion", kernel);
        out.put("BuildTime", "");
        exchange.answer(200, out);
    }

    private static void info(Exchange exchange) {
        ApiContext context = exchange.context();
        List<ContainerView> all = context.containers().all();
        List<String> enforced = context.enforcement().enforced();
        ObjectNode out = NODES.objectNode();
        out.put("ID", context.config().dataRoot().toString());
        out.put("Containers", all.size());
        out.put("ContainersRunning", count(all, Status.RUNNING));
        out.put("ContainersPaused", count(all, Status.PAUSED));
        out.put(
                "ContainersStopped",
                all.size() - count(all, Status.RUNNING) - count(all, Status.PAUSED));
        out.put("Images", context.images().list().size());
        out.put("Driver", "overlay2").putArray("DriverStatus");
        ObjectNode plugins = out.putObject("Plugins");
        plugins.putArray("Volume");
        plugins.putArray("Network").add("host").add("null");
        plugins.putNull("Authorization");
        plugins.putArray("Log").add("json-file").add("local");
        out.put("MemoryLimit", enforced.contains("memory"));
        out.put("SwapLimit", enforced.contains("memory"));
        out.put("CpuCfsPeriod", enforced.contains("cpu"));
        out.put("CpuCfsQuota", enforced.contains("cpu"));
        out.put("CPUShares", enforced.contains("cpu"));
        out.put("CPUSet", enforced.contains("cpuset"));
        out.put("PidsLimit", enforced.contains("pids"));
        out.put("IPv4Forwarding", false).put("OomKillDisable", false).put("Debug", false);
        out.put("NFd", 0).put("NGoroutines", Thread.activeCount()).put("NEventsListener", 0);
        out.put("SystemTime", Times.rfc3339(Instant.now(Clock.systemUTC())));
        out.put("LoggingDriver", "json-file").put("CgroupDriver", "cgroupfs");
        out.put("CgroupVersion", "2").put("KernelVersion", kernel(context));
        out.put("OperatingSystem", operatingSystem()).put("OSVersion", "").put("OSType", "linux");
        out.put("Architecture", architecture().equals("arm64") ? "aarch64" : "x86_64");
        out.put("IndexServerAddress", "https://index.docker.io/v1/");
        registries(context, out.putObject("RegistryConfig"));
        out.put("NCPU", Runtime.getRuntime().availableProcessors());
        out.put("MemTotal", ProcFacts.memoryBytes());
        out.put("DockerRootDir", context.config().dataRoot().toString());
        out.put("HttpProxy", "").put("HttpsProxy", "").put("NoProxy", "");
        out.put("Name", hostname()).putArray("Labels");
        out.put("ExperimentalBuild", false).put("ServerVersion", AgentConfig.VERSION);
        out.putObject("Runtimes").putObject("berth").put("path", "berth");
        out.put("DefaultRuntime", "berth");
        devices(context, out);
        out.putObject("Swarm").put("NodeID", "").put("LocalNodeState", "inactive");
        out.put("LiveRestoreEnabled", true).put("Isolation", "").put("InitBinary", "berth");
        out.putArray("SecurityOptions").add("name=seccomp,profile=builtin").add("name=cgroupns");
        ArrayNode warnings = out.putArray("Warnings");
        context.enforcement().warnings().forEach(line -> warnings.add("WARNING: " + line));
        exchange.answer(200, out);
    }

    private static void registries(ApiContext context, ObjectNode registries) {
        registries.putArray("InsecureRegistryCIDRs");
        ObjectNode indexes = registries.putObject("IndexConfigs");
        for (String host : context.config().insecureRegistries()) {
            ObjectNode index = indexes.putObject(host);
            index.put("Name", host).put("Secure", false).put("Official", false);
            index.putArray("Mirrors");
        }
        registries.putArray("Mirrors");
    }

    /** Docker's two fields about CDI: where its files are, and all devices by their CDI names. */
    private static void devices(ApiContext context, ObjectNode out) {
        ArrayNode cdi = out.putArray("CDISpecDirs");
        context.config().devices().cdiDirectories().forEach(dir -> cdi.add(dir.toString()));
        ArrayNode devices = out.putArray("DiscoveredDevices");
        context.conductor()
                .cdiDevices()
                .forEach(name -> devices.addObject().put("Source", "cdi").put("ID", name));
        for (DeviceSnapshot.Kind kind : context.conductor().devices().kinds()) {
            for (DeviceSnapshot.Entry entry : kind.entries()) {
                devices.addObject()
                        .put("Source", "cdi")
                        .put("ID", kind.table().resourceName() + "=" + entry.device().id());
            }
        }
    }

    private static int count(List<ContainerView> all, Status status) {
        return (int) all.stream().filter(view -> view.status() == status).count();
    }

    private static String line(String file, String fallback) {
        try {
            return Files.readString(Path.of(file)).strip();
        } catch (IOException _) {
            return fallback;
        }
    }

    static String hostname() {
        return line("/proc/sys/kernel/hostname", "");
    }

    private static String operatingSystem() {
        for (String entry : line("/etc/os-release", "").split("\n", -1)) {
            if (entry.startsWith("PRETTY_NAME=")) {
                return entry.substring("PRETTY_NAME=".length()).replace("\"", "");
            }
        }
        return "Linux";
    }

    private static void usage(Exchange exchange) throws AgentException {
        ObjectNode out = NODES.objectNode();
        long size = 0;
        for (var image : exchange.context().images().list()) {
            size += image.sizeBytes();
        }
        out.put("LayersSize", size);
        ArrayNode images = out.putArray("Images");
        exchange.context().images().list().forEach(image -> images.add(ImageJson.summary(image)));
        ArrayNode containers = out.putArray("Containers");
        for (ContainerView view : exchange.context().containers().all()) {
            containers.add(ContainerJson.summary(view, exchange.context().images()));
        }
        out.putArray("Volumes");
        out.putArray("BuildCache");
        exchange.answer(200, out);
    }

    private static void counters(Exchange exchange) {
        ObjectNode out = NODES.objectNode();
        for (Counter counter : Counter.values()) {
            out.putObject(counter.name().toLowerCase(java.util.Locale.ROOT))
                    .put("value", exchange.context().counters().value(counter))
                    .put("counts", counter.sentence());
        }
        exchange.answer(200, out);
    }

    private static void events(Exchange exchange) throws AgentException {
        Filters filters =
                exchange.filters()
                        .only("container", "event", "image", "label", "type", "daemon", "scope");
        OptionalLong since = Times.parse("since", exchange.text("since"));
        OptionalLong until = Times.parse("until", exchange.text("until"));
        ByteSink sink = exchange.stream(200, "application/json");
        EventStream stream = new EventStream(exchange, sink, filters, since, until);
        ConductorProxy.Watch watch = exchange.context().conductor().events(stream);
        stream.watch = watch;
        sink.onChange(() -> {}, watch::end);
    }

    /** One client of {@code GET /events}. A client that does not read is cut off once a mebibyte waits for it. */
    private static final class EventStream implements EventListener {
        private static final int MOST_WAITING_BYTES = 1 << 20;

        private final Exchange exchange;
        private final ByteSink sink;
        private final Filters filters;
        private final OptionalLong since;
        private final OptionalLong until;
        private ConductorProxy.Watch watch = () -> {};
        private boolean caughtUp;
        private int unsent;

        private EventStream(
                Exchange exchange,
                ByteSink sink,
                Filters filters,
                OptionalLong since,
                OptionalLong until) {
            this.exchange = exchange;
            this.sink = sink;
            this.filters = filters;
            this.since = since;
            this.until = until;
        }

        /** What is kept comes first, however long that takes. An answer with an end in the future ends then, also when nothing happens. */
        private void endInTime() {
            if (until.isEmpty()) {
                return;
            }
            Instant now = Instant.now(Clock.systemUTC());
            long nowNs = now.getEpochSecond() * 1_000_000_000L + now.getNano();
            if (until.getAsLong() <= nowNs) {
                finish();
                return;
            }
            exchange.context()
                    .after(
                            until.getAsLong() - nowNs + 20_000_000L,
                            java.util.concurrent.TimeUnit.NANOSECONDS,
                            this::finish);
        }

        @Override
        public void onEvent(AgentEvent event) {
            boolean wanted =
                    (caughtUp || (since.isPresent() && event.timeNs() >= since.getAsLong()))
                            && (until.isEmpty() || event.timeNs() <= until.getAsLong());
            if (!wanted || !fits(event) || !sink.isOpen()) {
                return;
            }
            byte[] line = (json(event) + "\n").getBytes(StandardCharsets.UTF_8);
            unsent = sink.isWritable() ? 0 : unsent + line.length;
            if (unsent > MOST_WAITING_BYTES) {
                finish();
                return;
            }
            sink.write(Unpooled.wrappedBuffer(line));
            sink.flush();
        }

        @Override
        public void onCaughtUp() {
            caughtUp = true;
            endInTime();
        }

        private void finish() {
            watch.end();
            sink.end();
        }

        private boolean fits(AgentEvent event) {
            String name = event.attributes().getOrDefault("name", "");
            boolean container = event.type().equals("container");
            return filters.fits("type", event.type()::equals)
                    && filters.fits(
                            "event",
                            action ->
                                    event.action().equals(action)
                                            || event.action().startsWith(action + ":"))
                    && filters.fits(
                            "container",
                            which ->
                                    container
                                            && (event.actor().startsWith(which)
                                                    || name.equals(which)))
                    && filters.fits(
                            "image",
                            which ->
                                    event.attributes().getOrDefault("image", "").equals(which)
                                            || (!container && event.actor().equals(which)))
                    && filters.fits("scope", "local"::equals)
                    && filters.labels(event.attributes());
        }

        private static ObjectNode json(AgentEvent event) {
            ObjectNode out = NODES.objectNode();
            if (event.type().equals("container")) {
                out.put("status", event.action()).put("id", event.actor());
                out.put("from", event.attributes().getOrDefault("image", ""));
            }
            out.put("Type", event.type()).put("Action", event.action());
            ObjectNode actor = out.putObject("Actor");
            actor.put("ID", event.actor());
            ObjectNode attributes = actor.putObject("Attributes");
            event.attributes().forEach(attributes::put);
            out.put("scope", "local").put("time", event.timeNs() / 1_000_000_000L);
            out.put("timeNano", event.timeNs());
            return out;
        }
    }
}
