package dev.berth.master.cluster;

import dev.berth.master.allocator.Role;
import dev.berth.master.ids.AgentId;
import dev.berth.master.ids.FrameworkId;
import dev.berth.master.ids.OfferId;
import dev.berth.master.resources.Resources;
import dev.berth.protocol.v1.Protos.Offer;

/**
 * An offer that its framework has not answered yet.
 *
 * @param value as the framework was sent it
 */
public record OpenOffer(
        OfferId id,
        FrameworkId framework,
        AgentId agent,
        Role role,
        Resources resources,
        Offer value) {
    @Override
    public boolean equals(Object other) {
        return other instanceof OpenOffer offer && offer.id.equals(id);
    }

    @Override
    public int hashCode() {
        return id.hashCode();
    }
}
