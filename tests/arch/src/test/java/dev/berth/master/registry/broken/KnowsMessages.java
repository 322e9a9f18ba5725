package dev.berth.master.registry.broken;

import dev.berth.protocol.MesosJson;

/** Breaks the wall between the registry and the wire. */
public final class KnowsMessages {
    public Class<?> json() {
        return MesosJson.class;
    }
}
