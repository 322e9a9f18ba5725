package dev.berth.shim.broken;

import dev.berth.isolator.ContainerId;

/** Breaks a wall on purpose. */
public record KnowsContainers(ContainerId id) {}
