package dev.berth.gpu.broken;

import dev.berth.containerizer.ExitStatus;

/** Breaks a wall on purpose. */
public record KnowsContainerizer(ExitStatus status) {}
