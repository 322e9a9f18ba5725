package dev.berth.master.resources.broken;

import dev.berth.protocol.MesosJson;

/** Breaks the wall between the resources and the wire. */
public final class KnowsMessages {
    public Class<?> json() {
        return MesosJson.class;
    }
}
