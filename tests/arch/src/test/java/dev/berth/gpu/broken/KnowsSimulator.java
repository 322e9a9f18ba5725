package dev.berth.gpu.broken;

import dev.berth.gpu.simulator.Machine;

/** Breaks a wall on purpose: product code that knows the simulator is proved by nothing else. */
public record KnowsSimulator(Machine machine) {}
