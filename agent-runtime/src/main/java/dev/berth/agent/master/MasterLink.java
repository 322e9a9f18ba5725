package dev.berth.agent.master;

import dev.berth.agent.config.AgentLog;
import dev.berth.agent.config.MasterOptions;
import dev.berth.agent.tasks.MasterSide;
import dev.berth.agent.tasks.TaskBoard;
import dev.berth.agent.tasks.TaskHost;
import dev.berth.discovery.LeaderWatch;
import dev.berth.discovery.MasterAddress;
import dev.berth.protocol.link.Link;
import dev.berth.protocol.v1.Protos.AgentInfo;

import io.netty.channel.EventLoopGroup;

import org.jspecify.annotations.Nullable;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.function.Supplier;

/**
 * Keeps this agent known to a master: connects, registers with everything that is here, says that it lives, and begins anew, ever later, when the link breaks. Tasks run on whatever happens to it.
 *
 * <p>Thread: conductor.
 */
public final class MasterLink implements MasterSide, AutoCloseable {
    private static final long FIRST_WAIT_NS = 100_000_000L;
    private static final long LAST_WAIT_NS = 10_000_000_000L;
    private static final long PATIENCE_NS = 15_000_000_000L;
    private static final int USUAL_PORT = 5050;
    private static final long MILLI_NS = 1_000_000L;

    private final MasterOptions options;
    private final EventLoopGroup loop;
    private final TaskHost host;
    private final TaskBoard board;
    private final Node node;
    private final MasterNames names;
    private final SplittableRandom random = new SplittableRandom();
    private final Optional<LeaderWatch> watch;
    private @Nullable LinkChannel channel;
    private Optional<URI> leader = Optional.empty();
    private Optional<URI> elected = Optional.empty();
    private Optional<URI> target = Optional.empty();
    private int attempt;
    private NodeReport report;
    private int next;
    private long waitNs = FIRST_WAIT_NS;
    private long heartbeatNs;
    private long silenceNs = PATIENCE_NS;
    private long heardNs;
    private boolean registered;
    private boolean closed;
    private boolean unwanted;
    private Runnable cancelTimer = () -> {};

    /** Ends of executors that a registration which is not answered yet still names; nothing else would tell of them. */
    private final List<Link.FromAgent> unsaid = new ArrayList<>();

    private String lastTrouble = "";

    /**
     * What the master is told of the node.
     *
     * @param report made anew at each call: when a link opens, and when {@link #refresh} is told of a change
     */
    public record Node(
            String hostname,
            int port,
            String version,
            String bootId,
            Supplier<NodeReport> report) {}

    /** @param resolver of masters' names */
    public MasterLink(
            MasterOptions options,
            EventLoopGroup loop,
            TaskHost host,
            TaskBoard board,
            Node node,
            MasterNames.Resolver resolver) {
        this.options = options;
        this.loop = loop;
        this.host = host;
        this.board = board;
        this.node = node;
        names = new MasterNames(host::offer, options::token, resolver);
        report = node.report().get();
        board.master(this);
        // The watch has a thread of its own: what it sees becomes a step of the conductor.
        watch =
                options.zooKeeper()
                        .map(url ->
                                LeaderWatch.open(
                                        url,
                                        seen -> host.offer(() -> onLeader(seen)),
                                        MasterLink::onTrouble));
    }

    /** Losing sight of the election is no harm while the master is there, but it tells why none is found. */
    private static void onTrouble(Optional<String> what) {
        what.ifPresentOrElse(
                why -> AgentLog.warn("look for the leading master: " + why + "; trying on"),
                () -> AgentLog.info("the leading master can be found again"));
    }

    /** Begins, and goes on until {@link #close}. */
    public void start() {
        if (closed || unwanted) {
            return;
        }
        Optional<URI> chosen = leader.or(() -> elected).or(this::nextNamed);
        if (chosen.isEmpty()) {
            // Nobody leads yet: the election says when somebody does, and the operator is told if
            // that takes long.
            cancelTimer.run();
            cancelTimer = host.at(host.monotonicNs() + PATIENCE_NS, this::nobodyLeads);
            return;
        }
        connectTo(chosen.get());
    }

    private void nobodyLeads() {
        trouble(
                "no master has been elected at "
                        + options.zooKeeper().map(Object::toString).orElse("")
                        + ", or ZooKeeper does not answer");
    }

    /** What the operator reads when the master takes no word from this agent. */
    String wrongToken() {
        return "the master at "
                + target.map(URI::getAuthority).orElse("")
                + " does not take "
                + options.tokenFile().map(file -> "the token of " + file).orElse("what it is shown")
                + " (--master-token-file names a copy of the master's token file)";
    }

    private Optional<URI> nextNamed() {
        List<URI> named = options.masters();
        return named.isEmpty() ? Optional.empty() : Optional.of(named.get(next++ % named.size()));
    }

    /** What the election says: of a new leader, that the old one is left and the new one asked at once; that there is none, nothing, since the link itself tells whether the old one lives. */
    private void onLeader(Optional<MasterAddress> seen) {
        elected = seen.map(address -> URI.create("http://" + address));
        if (closed || elected.isEmpty()) {
            return;
        }
        boolean there = channel != null && elected.equals(target);
        if (there) {
            return;
        }
        leader = Optional.empty();
        waitNs = FIRST_WAIT_NS;
        LinkChannel old = channel;
        if (old != null) {
            old.close("another master leads: " + elected.get().getAuthority());
        }
        cancelTimer.run();
        start();
    }

    private void connectTo(URI master) {
        leader = Optional.empty();
        target = Optional.of(master);
        int mine = ++attempt;
        cancelTimer.run();
        cancelTimer =
                host.at(
                        host.monotonicNs() + PATIENCE_NS,
                        () -> {
                            // An answer that still comes is to nobody.
                            attempt++;
                            lost(
                                    "the name service has not said for too long where "
                                            + master.getHost()
                                            + " is");
                        });
        names.find(
                master.getHost(),
                found -> {
                    if (mine == attempt) {
                        connect(master, found);
                    }
                });
    }

    private void connect(URI master, MasterNames.Found found) {
        if (closed) {
            return;
        }
        switch (found) {
            case MasterNames.Found.Nowhere(String why) -> lost(why);
            case MasterNames.Found.At(InetAddress address, Optional<String> token) -> {
                LinkChannel made = new LinkChannel(this);
                channel = made;
                heardNs = host.monotonicNs();
                cancelTimer.run();
                cancelTimer = host.at(heardNs + PATIENCE_NS, () -> tooSilent(made));
                int port = master.getPort() < 0 ? USUAL_PORT : master.getPort();
                made.open(loop, master, new InetSocketAddress(address, port), token);
            }
        }
    }

    private void tooSilent(LinkChannel from) {
        if (channel == from) {
            from.close("the master has not said a word for too long");
        }
    }

    /** The channel can carry records. */
    void onOpen(LinkChannel from) {
        if (channel != from) {
            return;
        }
        report = node.report().get();
        AgentInfo.Builder info =
                AgentInfo.newBuilder()
                        .setHostname(node.hostname())
                        .setPort(node.port())
                        .addAllResources(report.resources())
                        .addAllAttributes(report.attributes());
        board.agentId().ifPresent(id -> info.getIdBuilder().setValue(id));
        Link.Register.Builder register =
                Link.Register.newBuilder()
                        .setProtocol(1)
                        .setAgentInfo(info)
                        .setVersion(node.version())
                        .setBootId(node.bootId());
        board.describe(register);
        unsaid.clear();
        from.send(Link.FromAgent.newBuilder().setRegister(register).build());
    }

    @Override
    public void send(Link.FromAgent message) {
        LinkChannel open = channel;
        if (open != null && registered) {
            open.send(message);
        } else if (open != null && message.hasExecutorExited()) {
            unsaid.add(message);
        }
    }

    /** Every byte counts as a sign of life. */
    void onHeard() {
        heardNs = host.monotonicNs();
    }

    void onMessage(LinkChannel from, Link.FromMaster message) {
        if (channel != from) {
            return;
        }
        switch (message.getMessageCase()) {
            case REGISTERED -> onRegistered(message.getRegistered());
            case REFUSED -> {
                if (!message.getRefused().getRetry()) {
                    waitNs = LAST_WAIT_NS;
                }
                from.close("the master refuses this agent: " + message.getRefused().getMessage());
            }
            case LAUNCH ->
                    board.launch(
                            message.getLaunch().getFrameworkInfo(),
                            message.getLaunch().getTasksList());
            case LAUNCH_GROUP ->
                    board.launchGroup(
                            message.getLaunchGroup().getFrameworkInfo(),
                            message.getLaunchGroup().getExecutor(),
                            message.getLaunchGroup().getTaskGroup().getTasksList());
            case KILL -> {
                Link.Kill kill = message.getKill();
                board.kill(
                        kill.getFrameworkId(),
                        kill.getTaskId().getValue(),
                        kill.hasKillPolicy()
                                ? Optional.of(kill.getKillPolicy())
                                : Optional.empty());
            }
            case ACKNOWLEDGE ->
                    board.acknowledge(
                            message.getAcknowledge().getFrameworkId(),
                            message.getAcknowledge().getTaskId().getValue(),
                            message.getAcknowledge().getUuid());
            case SHUTDOWN_FRAMEWORK ->
                    board.shutdownFramework(message.getShutdownFramework().getFrameworkId());
            case SHUTDOWN_EXECUTOR ->
                    board.shutdownExecutor(
                            message.getShutdownExecutor().getFrameworkId(),
                            message.getShutdownExecutor().getExecutorId());
            case UPDATE_FRAMEWORK ->
                    board.updateFramework(message.getUpdateFramework().getFrameworkInfo());
            case SHUTDOWN -> shutdown(from, message.getShutdown().getMessage());
            case HEARTBEAT -> {}
            case FRAMEWORK_MESSAGE ->
                    AgentLog.warn("a framework's message to an executor: there is none here");
            case MESSAGE_NOT_SET -> AgentLog.warn("a message of the master that is unknown here");
        }
    }

    private void shutdown(LinkChannel from, String why) {
        AgentLog.warn("the master ends this agent's tasks: " + why);
        unwanted = true;
        from.close("the master does not want this agent any more: " + why);
        // Another one may take it, but not before it has nothing left.
        board.shutdown(() -> {
            unwanted = false;
            waitNs = FIRST_WAIT_NS;
            again();
        });
    }

    private void onRegistered(Link.Registered message) {
        registered = true;
        waitNs = FIRST_WAIT_NS;
        lastTrouble = "";
        heartbeatNs = Math.max(1, message.getHeartbeatMs()) * MILLI_NS;
        silenceNs = Math.max(1, message.getSilenceMs()) * MILLI_NS;
        AgentLog.info(
                "registered as "
                        + message.getAgentId().getValue()
                        + " with the master at "
                        + target.map(URI::getAuthority).orElse("")
                        + ", "
                        + message.getMasterInfo().getId());
        board.registered(message.getAgentId().getValue());
        unsaid.forEach(this::send);
        unsaid.clear();
        cancelTimer.run();
        cancelTimer = host.at(host.monotonicNs() + heartbeatNs, this::beat);
        // What has changed since the registration was sent.
        refresh();
    }

    private void beat() {
        LinkChannel open = channel;
        if (open == null || closed) {
            return;
        }
        if (host.monotonicNs() - heardNs > silenceNs) {
            tooSilent(open);
            return;
        }
        open.send(
                Link.FromAgent.newBuilder()
                        .setHeartbeat(Link.Heartbeat.getDefaultInstance())
                        .build());
        if (channel == open) {
            cancelTimer = host.at(host.monotonicNs() + heartbeatNs, this::beat);
        }
    }

    /** Something of the node has changed: tells the master, when it is not what that was told. */
    public void refresh() {
        if (!registered) {
            // The registration says all.
            return;
        }
        NodeReport now = node.report().get();
        if (!now.equals(report)) {
            report = now;
            send(
                    Link.FromAgent.newBuilder()
                            .setResourcesChanged(
                                    Link.ResourcesChanged.newBuilder()
                                            .addAllResources(now.resources())
                                            .addAllAttributes(now.attributes()))
                            .build());
        }
    }

    /** What was reported last, and whether a master knows it. */
    public NodeReport report() {
        return report;
    }

    public boolean isRegistered() {
        return registered;
    }

    /** Another master leads. */
    void onRedirect(URI to) {
        leader = Optional.of(to);
        waitNs = FIRST_WAIT_NS;
    }

    /** The channel is gone, or never was. */
    void onClosed(LinkChannel from, String why) {
        if (channel == from) {
            lost(why);
        }
    }

    private void lost(String why) {
        channel = null;
        registered = false;
        unsaid.clear();
        cancelTimer.run();
        if (closed || unwanted) {
            return;
        }
        trouble(why);
        again();
    }

    /** Once, however often it is tried again with the same end. */
    private void trouble(String why) {
        if (!why.equals(lastTrouble)) {
            AgentLog.warn("no link to a master: " + why + "; tasks run on, trying again");
            lastTrouble = why;
        }
    }

    private void again() {
        if (closed) {
            return;
        }
        // Agents that lost the same master do not come back at the same moment.
        long wait = waitNs / 2 + random.nextLong(waitNs);
        waitNs = Math.min(LAST_WAIT_NS, waitNs * 2);
        cancelTimer = host.at(host.monotonicNs() + wait, this::start);
    }

    /** Ends the link; tasks run on and the master is not told to forget the agent. */
    @Override
    public void close() {
        closed = true;
        cancelTimer.run();
        LinkChannel open = channel;
        channel = null;
        if (open != null) {
            open.close("the agent ends");
        }
        watch.ifPresent(LeaderWatch::close);
    }

    /** The masters that are known, first the one that is, or was last, talked to. */
    public List<String> masters() {
        LinkedHashSet<String> all = new LinkedHashSet<>();
        target.ifPresent(known -> all.add(known.toString()));
        options.masters().forEach(named -> all.add(named.toString()));
        return List.copyOf(all);
    }
}
