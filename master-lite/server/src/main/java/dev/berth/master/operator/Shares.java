package dev.berth.master.operator;

import dev.berth.master.allocator.Role;
import dev.berth.master.cluster.ResourceWire;
import dev.berth.master.resources.Resources;
import dev.berth.protocol.v1.Protos.Resource;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** A sum of resources that knows for which roles they are. */
final class Shares {
    private final Map<Role, Resources> byRole = new TreeMap<>();

    void add(Role role, Resources resources) {
        byRole.merge(role, resources, Resources::plus);
    }

    /** Everything, whatever the role. */
    Resources sum() {
        return Resources.sum(byRole.values());
    }

    /** In the wire's form, allocated to the roles. */
    List<Resource> entries() {
        List<Resource> entries = new ArrayList<>();
        byRole.forEach((role, resources) -> entries.addAll(ResourceWire.write(resources, role)));
        return entries;
    }
}
