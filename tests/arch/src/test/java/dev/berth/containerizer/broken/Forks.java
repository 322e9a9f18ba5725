package dev.berth.containerizer.broken;

/** Starts a process by itself on purpose. */
public record Forks(ProcessBuilder builder) {}
