package dev.berth.master.core;

import dev.berth.master.cluster.Agent;
import dev.berth.master.cluster.AgentLink;
import dev.berth.master.cluster.AgentRecord;
import dev.berth.master.cluster.Cluster;
import dev.berth.master.cluster.Registry;
import dev.berth.master.cluster.Wire;
import dev.berth.master.ids.AgentId;
import dev.berth.protocol.link.Link;
import dev.berth.protocol.v1.Protos.AgentInfo;

import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.Map;

/** Agents' connections: registration, heartbeats, silence. */
final class AgentSessions {
    private static final Link.FromMaster HEARTBEAT =
            Link.FromMaster.newBuilder().setHeartbeat(Link.Heartbeat.getDefaultInstance()).build();

    private final Cluster cluster;
    private final Map<AgentLink, Agent> byLink = new IdentityHashMap<>();
    private final Map<AgentLink, AgentId> admitting = new IdentityHashMap<>();

    AgentSessions(Cluster cluster) {
        this.cluster = cluster;
    }

    void opened(AgentLink link, Link.Register register) {
        AgentInfo info = register.getAgentInfo();
        AgentId id = info.hasId() ? Wire.agentId(info.getId()) : cluster.newAgentId();
        AgentInfo whole = info.toBuilder().setId(Wire.agentId(id)).build();
        admitting.put(link, id);
        AgentRecord record =
                new AgentRecord(
                        id,
                        AgentRecord.Standing.ADMITTED,
                        info.getHostname(),
                        cluster.nowNs(),
                        whole.toByteArray());
        cluster.registry().put(record, result -> admitted(link, whole, id, result));
    }

    private void admitted(AgentLink link, AgentInfo info, AgentId id, Registry.Result result) {
        if (admitting.remove(link) == null) {
            return;
        }
        if (result.error().isPresent()) {
            link.send(
                    Link.FromMaster.newBuilder()
                            .setRefused(
                                    Link.Refused.newBuilder()
                                            .setMessage(result.error().get())
                                            .setRetry(true))
                            .build());
            link.close();
            return;
        }
        Agent agent = cluster.addAgent(id, info, link);
        byLink.put(link, agent);
        link.send(
                Link.FromMaster.newBuilder()
                        .setRegistered(
                                Link.Registered.newBuilder()
                                        .setAgentId(Wire.agentId(id))
                                        .setMasterInfo(cluster.settings().info())
                                        .setHeartbeatMs(
                                                (int)
                                                        (cluster.settings().agentHeartbeatNs()
                                                                / 1_000_000))
                                        .setSilenceMs(
                                                (int)
                                                        (cluster.settings().agentSilenceNs()
                                                                / 1_000_000)))
                        .build());
    }

    void said(AgentLink link, Link.FromAgent message) {
        Agent agent = byLink.get(link);
        if (agent != null) {
            agent.heard(cluster.nowNs());
        }
    }

    void closed(AgentLink link) {
        admitting.remove(link);
        byLink.remove(link);
    }

    void tick() {
        for (Agent agent : new HashMap<>(byLink).values()) {
            if (agent.heartbeatAtNs() <= cluster.nowNs()) {
                agent.heartbeatAt(cluster.nowNs() + cluster.settings().agentHeartbeatNs());
                agent.send(HEARTBEAT);
            }
        }
    }
}
