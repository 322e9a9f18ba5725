package dev.berth.master;

/** Stands for the master in a broken example. */
public record Server() {}
