package dev.berth.containerizer.broken;

import java.lang.foreign.Linker;

/** Calls C outside native-bindings on purpose. */
public record CallsForeign(Linker linker) {}
