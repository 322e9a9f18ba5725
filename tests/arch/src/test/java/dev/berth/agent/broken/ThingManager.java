package dev.berth.agent.broken;

/** Has a name that says nothing, on purpose. */
public record ThingManager() {}
