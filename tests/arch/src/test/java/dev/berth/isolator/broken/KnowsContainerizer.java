package dev.berth.isolator.broken;

import dev.berth.containerizer.ExitStatus;

/** Breaks a wall on purpose. */
public record KnowsContainerizer(ExitStatus status) {}
