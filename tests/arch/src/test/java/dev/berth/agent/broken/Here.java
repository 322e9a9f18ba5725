package dev.berth.agent.broken;

import dev.berth.agent.broken.there.There;

/** One half of a package cycle, on purpose. */
public record Here(There there) {}
