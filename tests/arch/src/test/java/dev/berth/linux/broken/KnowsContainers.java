package dev.berth.linux.broken;

import dev.berth.isolator.ContainerId;

/** Breaks a wall on purpose. */
public record KnowsContainers(ContainerId id) {}
