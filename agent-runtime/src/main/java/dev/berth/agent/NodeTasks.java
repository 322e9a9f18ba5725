package dev.berth.agent;

import dev.berth.agent.conductor.AgentClock;
import dev.berth.agent.conductor.Answer;
import dev.berth.agent.conductor.Conductor;
import dev.berth.agent.conductor.ConductorProxy;
import dev.berth.agent.conductor.ContainerViews;
import dev.berth.agent.conductor.FileLane;
import dev.berth.agent.config.AgentConfig;
import dev.berth.agent.config.AgentException;
import dev.berth.agent.config.AgentLog;
import dev.berth.agent.config.LimitTranslation;
import dev.berth.agent.config.MasterOptions;
import dev.berth.agent.config.ProcFacts;
import dev.berth.agent.device.DeviceSnapshot;
import dev.berth.agent.master.LoopProbes;
import dev.berth.agent.master.MasterLink;
import dev.berth.agent.master.NodeReport;
import dev.berth.agent.operator.AgentState;
import dev.berth.agent.operator.OperatorServer;
import dev.berth.agent.tasks.Probes;
import dev.berth.agent.tasks.TaskBoard;
import dev.berth.agent.tasks.TaskHost;
import dev.berth.agent.tasks.TaskPaths;
import dev.berth.agent.tasks.TaskView;
import dev.berth.containerizer.image.ImageException;
import dev.berth.containerizer.image.ImageReference;
import dev.berth.containerizer.image.Platform;
import dev.berth.containerizer.image.PullProgress;
import dev.berth.gpu.DeviceId;
import dev.berth.isolator.ContainerId;
import dev.berth.linux.Linux;
import dev.berth.protocol.ApiVersion;
import dev.berth.protocol.v1.Protos.AgentInfo;

import io.netty.channel.IoEventLoop;

import java.io.IOException;
import java.net.InetAddress;
import java.nio.file.FileStore;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.function.Supplier;

/**
 * The part of an agent that works for a master: tasks, and the link. Everything of it is on the conductor's thread and loop.
 *
 * <p>Thread: conductor.
 */
final class NodeTasks implements TaskHost, AgentState, AutoCloseable {
    /** A driver that does not answer keeps the rest of the node from nobody. */
    private static final long DISCOVERY_NS = 5_000_000_000L;

    private final Conductor conductor;
    private final Machinery machinery;
    private final FileLane files;
    private final FileLane images;
    private final AgentConfig config;
    private final MasterOptions options;
    private final HostFacts facts;
    private final HostWatch host;
    private final ConductorProxy containers;
    private final Probes probes;
    private final TaskBoard board;
    private final MasterLink link;
    private final OperatorServer server;
    private final Supplier<String> exposition;
    private final String address;
    private final long startedNs = realtimeNs();
    private DeviceSnapshot seen = DeviceSnapshot.NONE;
    private List<DeviceId> offered = List.of();
    private boolean begun;

    /** What of the agent it uses. */
    record Parts(
            AgentConfig config,
            MasterOptions options,
            Conductor conductor,
            Machinery machinery,
            Linux linux,
            ContainerViews views,
            FileLane files,
            FileLane images,
            IoEventLoop loop,
            Supplier<String> exposition) {}

    /** After the conductor has recovered. */
    NodeTasks(Parts parts) throws AgentException {
        conductor = parts.conductor();
        machinery = parts.machinery();
        files = parts.files();
        images = parts.images();
        config = parts.config();
        options = parts.options();
        facts = new HostFacts(parts.linux(), parts.views());
        containers = new ConductorProxy(conductor, new LimitTranslation(facts), conductor::offer);
        probes = new LoopProbes(parts.loop());
        address = HostAddress.of(options.listenHost());
        List<String> enforced = machinery.containerizer().enforcement().enforced();
        host =
                new HostWatch(
                        this,
                        () -> HostWatch.read(config.dataRoot(), facts.cpus(), enforced),
                        this::hostChanged);
        // A wrong --resources is told now, not at the first report.
        makeReport();
        server = OperatorServer.open(options, config.dataRoot(), parts.linux());
        exposition = parts.exposition();
        board =
                new TaskBoard(
                        this, parts.linux(), new TaskPaths(config.dataRoot()), options.retention());
        link =
                new MasterLink(
                        options,
                        parts.loop(),
                        this,
                        board,
                        new MasterLink.Node(
                                facts.hostname(),
                                server.port(),
                                AgentConfig.VERSION,
                                ProcFacts.bootId(),
                                this::report),
                        InetAddress::getByName);
        host.begin();
        board.recover(parts.views().all());
        var _ = at(monotonicNs() + DISCOVERY_NS, this::begin);
        server.serve(this);
        AgentLog.info(
                "agent's API on http://"
                        + options.listenHost()
                        + ":"
                        + server.port()
                        + (options.allowAnonymous() ? ", without a token" : ""));
    }

    /** A master that hears of a node before its GPUs would offer it without, and take the offers back at once. */
    private void begin() {
        if (!begun) {
            begun = true;
            link.start();
        }
    }

    /** Where the operator API listens. */
    int port() {
        return server.port();
    }

    /** After each cycle: GPUs that were found, or are fit to be offered no more, are told at once. */
    void watchDevices() {
        if (!begun && conductor.knowsDevices()) {
            begin();
        }
        DeviceSnapshot now = conductor.devices();
        if (now.equals(seen)) {
            return;
        }
        seen = now;
        List<DeviceId> fit = NodeReport.gpuIds(now);
        if (!fit.equals(offered)) {
            offered = fit;
            link.refresh();
        }
    }

    private void hostChanged() {
        link.refresh();
    }

    private NodeReport report() {
        try {
            return makeReport();
        } catch (AgentException e) {
            throw new IllegalStateException("resources that were read before", e);
        }
    }

    private NodeReport makeReport() throws AgentException {
        return NodeReport.of(
                host.now(), conductor.devices(), options.resources(), options.attributes());
    }

    @Override
    public long monotonicNs() {
        return AgentClock.SYSTEM.monotonicNs();
    }

    @Override
    public long realtimeNs() {
        return AgentClock.SYSTEM.realtimeNs();
    }

    @Override
    public Runnable at(long atNs, Runnable step) {
        return conductor.at(atNs, step);
    }

    @Override
    public void onLane(Runnable job) {
        files.run(job);
    }

    @Override
    public void offer(Runnable step) {
        conductor.offer(step);
    }

    @Override
    public void image(String reference, boolean fresh, Answer<Boolean> answer) {
        try {
            if (!fresh && machinery.images().find(reference).isPresent()) {
                answer.onResult(true);
                return;
            }
            ImageReference parsed = ImageReference.parse(reference);
            images.run(() -> {
                try {
                    machinery
                            .images()
                            .pull(parsed, Platform.host(), Optional.empty(), PullProgress.NONE);
                    conductor.offer(() -> answer.onResult(true));
                } catch (ImageException e) {
                    conductor.offer(
                            () -> answer.onFailure(AgentException.failed("pull " + reference, e)));
                } catch (RuntimeException e) {
                    // The task must not wait for ever because of our bug.
                    AgentLog.error("pull " + reference, e);
                    conductor.offer(
                            () -> answer.onFailure(AgentException.failed("pull " + reference, e)));
                }
            });
        } catch (ImageException e) {
            answer.onFailure(AgentException.failed("image " + reference, e));
        }
    }

    @Override
    public ConductorProxy containers() {
        return containers;
    }

    @Override
    public Path logOf(ContainerId id) {
        return machinery.logDirectory().apply(id);
    }

    @Override
    public double diskUsage() throws IOException {
        FileStore disk = Files.getFileStore(sandboxes());
        long total = disk.getTotalSpace();
        return total <= 0 ? 0 : 1.0 - (double) disk.getUnallocatedSpace() / total;
    }

    @Override
    public String address() {
        return address;
    }

    @Override
    public Probes probes() {
        return probes;
    }

    @Override
    public void look(Consumer<Picture> answer) {
        conductor.offer(() -> {
            AgentInfo.Builder info =
                    AgentInfo.newBuilder()
                            .setHostname(facts.hostname())
                            .setPort(server.port())
                            .addAllResources(link.report().resources())
                            .addAllAttributes(link.report().attributes());
            board.agentId().ifPresent(id -> info.getIdBuilder().setValue(id));
            List<TaskView> tasks = board.views();
            answer.accept(
                    new Picture(
                            info.build(),
                            address,
                            link.isRegistered(),
                            link.masters(),
                            startedNs,
                            ApiVersion.MESOS,
                            tasks,
                            metrics(tasks)));
        });
    }

    private SortedMap<String, Double> metrics(List<TaskView> tasks) {
        SortedMap<String, Double> out = new TreeMap<>(board.collector().metrics());
        out.put("slave/registered", link.isRegistered() ? 1.0 : 0.0);
        out.put("slave/uptime_secs", (realtimeNs() - startedNs) / 1e9);
        out.putAll(TaskMetrics.of(tasks, link.report().resources()));
        return out;
    }

    @Override
    public void freshOutput(Path sandbox, Runnable then) {
        conductor.offer(() -> board.freshOutput(sandbox, then));
    }

    @Override
    public Path sandboxes() {
        return new TaskPaths(config.dataRoot()).sandboxes();
    }

    @Override
    public String exposition() {
        return exposition.get();
    }

    @Override
    public void close() {
        server.close();
        link.close();
        board.close();
    }
}
