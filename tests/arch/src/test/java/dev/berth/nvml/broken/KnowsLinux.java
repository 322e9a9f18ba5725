package dev.berth.nvml.broken;

import dev.berth.linux.Signal;

/** Breaks a wall on purpose. */
public record KnowsLinux(Signal signal) {}
