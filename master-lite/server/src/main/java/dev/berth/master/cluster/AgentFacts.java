package dev.berth.master.cluster;

import dev.berth.master.ids.AgentId;
import dev.berth.master.resources.Resources;
import dev.berth.protocol.v1.Protos.AgentInfo;

import java.util.Optional;

/**
 * A registered agent as it is at one moment, without what is on it. Immutable: any thread.
 *
 * @param total all that it has
 * @param version of its Berth
 * @param address the IP address that it connects from
 * @param connected whether its link stands
 * @param active whether its link stands and it is to stay
 * @param order it came after all agents of a lower one
 */
public record AgentFacts(
        AgentId id,
        AgentInfo info,
        Resources total,
        String version,
        String address,
        boolean connected,
        boolean active,
        long registeredNs,
        Optional<Long> reregisteredNs,
        long order) {}
