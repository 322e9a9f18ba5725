package dev.berth.agent.device;

import dev.berth.gpu.ContainerEdits;
import dev.berth.isolator.ContainerConfig.DeviceNode;
import dev.berth.isolator.ContainerConfig.Link;
import dev.berth.isolator.ContainerConfig.MountSpec;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Edits of several devices as those of one container. Pure. */
final class Edits {
    private Edits() {}

    /** In order; a node of a path that was there before is the later one's. */
    static ContainerEdits together(List<ContainerEdits> parts) {
        if (parts.size() == 1) {
            return parts.getFirst();
        }
        List<String> environment = new ArrayList<>();
        Map<String, DeviceNode> nodes = new LinkedHashMap<>();
        List<MountSpec> mounts = new ArrayList<>();
        Set<Integer> groups = new LinkedHashSet<>();
        List<Link> links = new ArrayList<>();
        List<String> warnings = new ArrayList<>();
        for (ContainerEdits part : parts) {
            environment.addAll(part.environment());
            part.nodes().forEach(node -> nodes.put(node.path(), node));
            mounts.addAll(part.mounts());
            groups.addAll(part.additionalGroups());
            links.addAll(part.links());
            warnings.addAll(part.warnings());
        }
        return new ContainerEdits(
                environment,
                List.copyOf(nodes.values()),
                mounts,
                List.copyOf(groups),
                links,
                warnings);
    }
}
