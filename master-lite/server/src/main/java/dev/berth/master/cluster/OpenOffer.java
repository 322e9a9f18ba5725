package dev.berth.master.cluster;

import dev.berth.master.ids.AgentId;
import dev.berth.master.ids.FrameworkId;
import dev.berth.master.ids.OfferId;
import dev.berth.protocol.v1.Protos.Offer;

/**
 * An offer that its framework has not answered yet.
 *
 * @param value as the framework was sent it
 */
public record OpenOffer(
        OfferId id, FrameworkId framework, AgentId agent, String role, Offer value) {}
