package dev.berth.master.cluster;

import com.google.protobuf.InvalidProtocolBufferException;

import dev.berth.master.cluster.AgentRecord.Standing;
import dev.berth.master.ids.AgentId;
import dev.berth.master.ids.FrameworkId;
import dev.berth.protocol.v1.Protos.AgentInfo;
import dev.berth.protocol.v1.Protos.FrameworkInfo;
import dev.berth.protocol.v1.Protos.TimeInfo;

import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** Everything that a leading master knows, and the steps that keep it consistent. */
public final class Cluster {
    /** Ended frameworks that are kept. */
    private static final int KEPT_FRAMEWORKS = 50;

    private final MasterSettings settings;
    private final Registry registry;
    private final long startedNs;
    private long nowNs;
    private long nextFramework;
    private long nextAgent;

    private final Map<FrameworkId, Framework> frameworks = new LinkedHashMap<>();
    private final Map<FrameworkId, Framework> completed = new LinkedHashMap<>();
    private final Map<AgentId, Agent> agents = new LinkedHashMap<>();
    private final Map<AgentId, AgentRecord> recovered = new LinkedHashMap<>();
    private final Map<AgentId, AgentRecord> unreachable = new LinkedHashMap<>();
    private final Map<AgentId, AgentRecord> gone = new LinkedHashMap<>();

    /** The cluster as the registry has it: agents may come back, nobody is subscribed. */
    public Cluster(
            MasterSettings settings, Registry registry, Registry.Contents contents, long nowNs) {
        this.settings = settings;
        this.registry = registry;
        this.nowNs = nowNs;
        startedNs = nowNs;
        for (AgentRecord agent : contents.agents()) {
            byStanding(agent.standing()).put(agent.id(), agent);
        }
    }

    private Map<AgentId, AgentRecord> byStanding(Standing standing) {
        return switch (standing) {
            case ADMITTED -> recovered;
            case UNREACHABLE -> unreachable;
            case GONE -> gone;
        };
    }

    public MasterSettings settings() {
        return settings;
    }

    public Registry registry() {
        return registry;
    }

    public long startedNs() {
        return startedNs;
    }

    /** The time of what is being done. */
    public long nowNs() {
        return nowNs;
    }

    /** Sets the time of what is done next. Time does not go back: an earlier one leaves it as it is. */
    public void at(long ns) {
        nowNs = Math.max(nowNs, ns);
    }

    /** That many nanoseconds since the epoch as a message. */
    public static TimeInfo time(long ns) {
        return TimeInfo.newBuilder().setNanoseconds(ns).build();
    }

    public Collection<Framework> frameworks() {
        return Collections.unmodifiableCollection(frameworks.values());
    }

    public Optional<Framework> framework(FrameworkId id) {
        return Optional.ofNullable(frameworks.get(id));
    }

    public Optional<Framework> completed(FrameworkId id) {
        return Optional.ofNullable(completed.get(id));
    }

    public Collection<Agent> agents() {
        return Collections.unmodifiableCollection(agents.values());
    }

    public Optional<Agent> agent(AgentId id) {
        return Optional.ofNullable(agents.get(id));
    }

    /** Agents of the registry that have not come since this master leads. */
    public Map<AgentId, AgentRecord> recovered() {
        return Collections.unmodifiableMap(recovered);
    }

    public Map<AgentId, AgentRecord> unreachable() {
        return Collections.unmodifiableMap(unreachable);
    }

    public Map<AgentId, AgentRecord> gone() {
        return Collections.unmodifiableMap(gone);
    }

    /** An id that no framework had. */
    public FrameworkId newFrameworkId() {
        return new FrameworkId(
                String.format(Locale.ROOT, "%s-%04d", settings.info().getId(), nextFramework++));
    }

    /** An id that no agent had. */
    public AgentId newAgentId() {
        return new AgentId(settings.info().getId() + "-S" + nextAgent++);
    }

    /** Adds a framework that nobody is subscribed for yet. */
    public Framework addFramework(FrameworkId id, FrameworkInfo info, boolean known) {
        Framework framework = new Framework(id, info, known, nowNs);
        frameworks.put(id, framework);
        return framework;
    }

    /** A stream is now a framework's. */
    public void connect(Framework framework, FrameworkStream stream, boolean again) {
        framework.connected(stream, again, nowNs);
    }

    /** A framework takes new facts about itself, and wants no offers for {@code suppressed}. */
    public void update(Framework framework, FrameworkInfo info, Set<String> suppressed) {
        framework.update(info, suppressed);
    }

    /** A framework's stream is gone: it is torn down when it stays away for its fail-over timeout. */
    public void disconnect(Framework framework) {
        double seconds = framework.info().getFailoverTimeout();
        framework.disconnected(nowNs + (long) Math.min(seconds * 1e9, Long.MAX_VALUE / 4.0));
    }

    /** A framework is over. */
    public void removeFramework(Framework framework) {
        framework.unregistered(nowNs);
        frameworks.remove(framework.id());
        completed.put(framework.id(), framework);
        if (completed.size() > KEPT_FRAMEWORKS) {
            completed.remove(completed.keySet().iterator().next());
        }
    }

    /** The registry has admitted an agent. */
    public Agent addAgent(AgentId id, AgentInfo info, AgentLink link) {
        recovered.remove(id);
        unreachable.remove(id);
        Agent agent = new Agent(id, info, link, nowNs, nowNs);
        agents.put(id, agent);
        return agent;
    }

    /** What was written of an agent. */
    public static AgentInfo info(AgentRecord agent) {
        try {
            return AgentInfo.parseFrom(agent.info());
        } catch (InvalidProtocolBufferException e) {
            // A registry of another time: the agent tells the rest when it comes.
            return AgentInfo.newBuilder()
                    .setHostname(agent.hostname())
                    .setId(Wire.agentId(agent.id()))
                    .build();
        }
    }

    /** When something is due of itself next. */
    public long nextDeadline() {
        long next = Long.MAX_VALUE;
        for (Framework framework : frameworks.values()) {
            next = Math.min(next, Math.min(framework.heartbeatAtNs(), framework.teardownAtNs()));
        }
        for (Agent agent : agents.values()) {
            next = Math.min(next, agent.heartbeatAtNs());
            next = Math.min(next, agent.heardNs() + settings.agentSilenceNs());
        }
        return next;
    }
}
