package dev.berth.master.cluster;

import dev.berth.protocol.v1.Protos.FrameworkInfo;

import java.util.LinkedHashSet;
import java.util.Set;

/** What a framework says of itself in its FrameworkInfo, as the master reads it. */
public final class Capabilities {
    private Capabilities() {}

    public static boolean has(FrameworkInfo info, FrameworkInfo.Capability.Type capability) {
        for (FrameworkInfo.Capability each : info.getCapabilitiesList()) {
            if (each.hasType() && each.getType() == capability) {
                return true;
            }
        }
        return false;
    }

    /** Its roles: the list with MULTI_ROLE, the single one ({@code *} by default) without. */
    @SuppressWarnings("deprecation") // frameworks without MULTI_ROLE have nothing else
    public static Set<String> roles(FrameworkInfo info) {
        return has(info, FrameworkInfo.Capability.Type.MULTI_ROLE)
                ? new LinkedHashSet<>(info.getRolesList())
                : Set.of(info.getRole());
    }
}
