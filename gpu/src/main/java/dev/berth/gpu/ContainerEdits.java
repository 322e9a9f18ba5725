package dev.berth.gpu;

import dev.berth.isolator.ContainerConfig.DeviceNode;
import dev.berth.isolator.ContainerConfig.Link;
import dev.berth.isolator.ContainerConfig.MountSpec;

import java.util.List;

/**
 * What a grant adds to a container, in CDI's sense of container edits, as words that the isolators know. Nothing here runs a program.
 *
 * @param environment {@code NAME=value}; wins over the container's own, except that {@code PATH} and {@code LD_LIBRARY_PATH} are lists whose elements are put behind the container's
 * @param nodes device nodes, which the device program follows from
 * @param mounts in order; a mount on a target that the container already mounts is the container's
 * @param additionalGroups supplementary groups, without 0
 * @param links symbolic links to make in the container's writable layer: path to target; what is there already stays
 * @param warnings what was left out and why, for the creator of the container
 */
public record ContainerEdits(
        List<String> environment,
        List<DeviceNode> nodes,
        List<MountSpec> mounts,
        List<Integer> additionalGroups,
        List<Link> links,
        List<String> warnings) {
    public static final ContainerEdits NONE =
            new ContainerEdits(List.of(), List.of(), List.of(), List.of(), List.of(), List.of());

    public ContainerEdits {
        environment = List.copyOf(environment);
        nodes = List.copyOf(nodes);
        mounts = List.copyOf(mounts);
        additionalGroups = List.copyOf(additionalGroups);
        links = List.copyOf(links);
        warnings = List.copyOf(warnings);
    }

    /** The same, telling nobody what was left out. */
    public ContainerEdits withoutWarnings() {
        return new ContainerEdits(environment, nodes, mounts, additionalGroups, links, List.of());
    }
}
