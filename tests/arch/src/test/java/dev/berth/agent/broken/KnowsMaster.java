package dev.berth.agent.broken;

import dev.berth.master.Server;

/** Breaks a wall on purpose. */
public record KnowsMaster(Server server) {}
