package dev.berth.http.broken;

import dev.berth.agent.config.AgentConfig;

/** Breaks a wall on purpose. */
public record KnowsAgent(AgentConfig config) {}
