package dev.berth.master.cluster;

import dev.berth.protocol.link.Link.FromMaster;

/** One connection of an agent. Conductor thread only; the transport writes later, in order. */
public interface AgentLink {
    /**
     * Queues a message.
     *
     * @return false when nothing was queued, since the agent is too far behind or gone; the caller then closes the link
     */
    boolean send(FromMaster message);

    /** Ends the connection once everything queued is written. Later calls do nothing. {@code agentClosed} is not called for it. */
    void close();

    /** Where the agent connects from: an IP address without a port, as text. */
    String peerAddress();
}
