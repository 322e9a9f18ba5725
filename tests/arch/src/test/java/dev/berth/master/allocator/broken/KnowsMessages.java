package dev.berth.master.allocator.broken;

import dev.berth.protocol.MesosJson;

/** Breaks the wall between the allocator and the wire. */
public final class KnowsMessages {
    public Class<?> json() {
        return MesosJson.class;
    }
}
