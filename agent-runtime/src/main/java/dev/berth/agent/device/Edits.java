package dev.berth.agent.device;

import dev.berth.gpu.ContainerEdits;
import dev.berth.isolator.ContainerConfig;
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
public final class Edits {
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

    /** A configuration with what its devices add; what the container mounts itself stays its own. */
    public static ContainerConfig applied(ContainerConfig c, ContainerEdits edits) {
        if (edits.equals(ContainerEdits.NONE)) {
            return c;
        }
        Map<String, String> environment = new LinkedHashMap<>();
        c.process().env().forEach(line -> environment.put(name(line), line));
        edits.environment().forEach(line -> environment.put(name(line), line));
        Map<String, DeviceNode> nodes = new LinkedHashMap<>();
        c.devices().forEach(node -> nodes.put(node.path(), node));
        edits.nodes().forEach(node -> nodes.put(node.path(), node));
        Map<String, MountSpec> mounts = new LinkedHashMap<>();
        c.mounts().forEach(mount -> mounts.put(mount.target(), mount));
        edits.mounts().forEach(mount -> mounts.putIfAbsent(mount.target(), mount));
        Set<Integer> groups = new LinkedHashSet<>(c.process().groups());
        groups.addAll(edits.additionalGroups());
        List<Link> links = new ArrayList<>(c.links());
        links.addAll(edits.links());
        return new ContainerConfig(
                c.id(),
                new ContainerConfig.ProcessSpec(
                        c.process().argv(),
                        List.copyOf(environment.values()),
                        c.process().cwd(),
                        c.process().uid(),
                        c.process().gid(),
                        List.copyOf(groups),
                        c.process().umask(),
                        c.process().rlimits()),
                c.readOnlyRoot(),
                List.copyOf(mounts.values()),
                c.namespaces(),
                c.hostname(),
                c.domainname(),
                c.sysctls(),
                List.copyOf(nodes.values()),
                c.deviceRules(),
                c.limits(),
                c.security(),
                c.oomScoreAdj(),
                c.shmSizeBytes(),
                c.init(),
                c.tty(),
                c.openStdin(),
                c.consoleRows(),
                c.consoleColumns(),
                c.hostsFiles(),
                links);
    }

    private static String name(String line) {
        int equals = line.indexOf('=');
        return equals < 0 ? line : line.substring(0, equals);
    }
}
