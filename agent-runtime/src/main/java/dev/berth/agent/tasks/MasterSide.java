package dev.berth.agent.tasks;

import dev.berth.protocol.link.Link;

/** Where news for the master goes. */
@FunctionalInterface
public interface MasterSide {
    /** Sends, or drops what cannot be sent now: everything that matters is sent again after the next registration. Conductor thread. */
    void send(Link.FromAgent message);
}
