package dev.berth.containerizer.broken;

import dev.berth.isolator.broken.KnowsContainerizer;

/** Breaks a wall on purpose. */
public record KnowsIsolator(KnowsContainerizer isolator) {}
