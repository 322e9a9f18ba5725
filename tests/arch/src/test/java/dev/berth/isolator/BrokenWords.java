package dev.berth.isolator;

import dev.berth.containerizer.ExitStatus;

/** Breaks a wall on purpose. */
public record BrokenWords(ExitStatus status) {}
