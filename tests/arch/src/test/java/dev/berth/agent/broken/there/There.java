package dev.berth.agent.broken.there;

import dev.berth.agent.broken.Here;

/** The other half of a package cycle, on purpose. */
public interface There {
    /** Where it goes. */
    Here here();
}
