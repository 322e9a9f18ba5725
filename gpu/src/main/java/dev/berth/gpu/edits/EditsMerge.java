package dev.berth.gpu.edits;

import dev.berth.gpu.ContainerEdits;
import dev.berth.isolator.ContainerConfig;
import dev.berth.isolator.ContainerConfig.DeviceNode;
import dev.berth.isolator.ContainerConfig.Link;
import dev.berth.isolator.ContainerConfig.MountSpec;
import dev.berth.isolator.ContainerConfig.ProcessSpec;
import dev.berth.isolator.SafePath;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Container edits put into a configuration.
 *
 * <ul>
 *   <li>environment: an edit's variable replaces the container's, in its place; the elements of {@code PATH} and {@code LD_LIBRARY_PATH} go behind the container's, each once
 *   <li>nodes: an edit's node replaces one of the same path, and with it its device rule
 *   <li>mounts: the container's own mount of a target stays, of several edits the last one counts; all are then sorted by depth, stable, so that no mount hides one that came before it
 *   <li>groups: added once each, never 0
 *   <li>links: added unless something is mounted there
 * </ul>
 */
public final class EditsMerge {
    /** What the kernel's own tools search when nothing is said; Docker's default too. */
    private static final String DEFAULT_PATH =
            "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

    private static final Set<String> LISTS = Set.of("PATH", "LD_LIBRARY_PATH");

    private EditsMerge() {}

    /** The configuration with the edits in it; the given one is not changed. */
    public static ContainerConfig apply(ContainerConfig config, ContainerEdits edits) {
        if (edits.equals(ContainerEdits.NONE)) {
            return config;
        }
        ProcessSpec process = config.process();
        List<MountSpec> mounts = mounts(config.mounts(), edits.mounts());
        return new ContainerConfig(
                config.id(),
                new ProcessSpec(
                        process.argv(),
                        environment(process.env(), edits),
                        process.cwd(),
                        process.uid(),
                        process.gid(),
                        groups(process, edits.additionalGroups()),
                        process.umask(),
                        process.rlimits()),
                config.readOnlyRoot(),
                mounts,
                config.namespaces(),
                config.hostname(),
                config.domainname(),
                config.sysctls(),
                nodes(config.devices(), edits.nodes()),
                config.deviceRules(),
                config.limits(),
                config.security(),
                config.oomScoreAdj(),
                config.shmSizeBytes(),
                config.init(),
                config.tty(),
                config.openStdin(),
                config.consoleRows(),
                config.consoleColumns(),
                config.hostsFiles(),
                links(config.links(), edits.links(), mounts));
    }

    /** Of several edits one, as if each were applied after the one before; environment lists are joined. */
    public static ContainerEdits join(List<ContainerEdits> all) {
        List<String> environment = new ArrayList<>();
        List<DeviceNode> nodes = new ArrayList<>();
        List<MountSpec> mounts = new ArrayList<>();
        Set<Integer> groups = new LinkedHashSet<>();
        Set<Link> links = new LinkedHashSet<>();
        Set<String> warnings = new LinkedHashSet<>();
        for (ContainerEdits edits : all) {
            environment.addAll(edits.environment());
            nodes = new ArrayList<>(nodes(nodes, edits.nodes()));
            mounts.addAll(edits.mounts());
            groups.addAll(edits.additionalGroups());
            links.addAll(edits.links());
            warnings.addAll(edits.warnings());
        }
        return new ContainerEdits(
                environment,
                nodes,
                mounts,
                List.copyOf(groups),
                List.copyOf(links),
                List.copyOf(warnings));
    }

    /** The environment of a process of the container: also that of a further process, which gets the same edits. */
    public static List<String> environment(List<String> own, ContainerEdits edits) {
        Map<String, String> merged = new LinkedHashMap<>();
        List<String> odd = new ArrayList<>();
        for (String variable : own) {
            int equals = variable.indexOf('=');
            if (equals <= 0) {
                odd.add(variable);
            } else {
                merged.put(variable.substring(0, equals), variable.substring(equals + 1));
            }
        }
        for (String variable : edits.environment()) {
            int equals = variable.indexOf('=');
            if (equals > 0) {
                String name = variable.substring(0, equals);
                String value = variable.substring(equals + 1);
                if (LISTS.contains(name)) {
                    String there =
                            merged.getOrDefault(name, name.equals("PATH") ? DEFAULT_PATH : "");
                    merged.put(name, behind(there, value));
                } else {
                    merged.put(name, value);
                }
            }
        }
        List<String> out = new ArrayList<>();
        merged.forEach((name, value) -> out.add(name + "=" + value));
        out.addAll(odd);
        return List.copyOf(out);
    }

    /** An empty element means the working directory to the loader and the shell: none is added, none that is there is taken away. */
    private static String behind(String list, String more) {
        Set<String> there = new LinkedHashSet<>(List.of(list.split(":", -1)));
        StringBuilder out = new StringBuilder(list);
        for (String element : more.split(":", -1)) {
            if (!element.isEmpty() && there.add(element)) {
                out.append(out.isEmpty() ? "" : ":").append(element);
            }
        }
        return out.toString();
    }

    private static List<DeviceNode> nodes(List<DeviceNode> own, List<DeviceNode> more) {
        Map<String, DeviceNode> merged = new LinkedHashMap<>();
        own.forEach(node -> merged.put(node.path(), node));
        more.forEach(node -> merged.put(node.path(), node));
        return List.copyOf(merged.values());
    }

    private static List<MountSpec> mounts(List<MountSpec> own, List<MountSpec> more) {
        Map<SafePath, MountSpec> merged = new LinkedHashMap<>();
        more.forEach(mount -> {
            SafePath target = new SafePath(mount.target());
            merged.remove(target);
            merged.put(target, mount);
        });
        own.forEach(mount -> merged.remove(new SafePath(mount.target())));
        List<MountSpec> out = new ArrayList<>(own);
        out.addAll(merged.values());
        out.sort(Comparator.comparingInt(mount -> new SafePath(mount.target()).names().size()));
        return List.copyOf(out);
    }

    private static List<Integer> groups(ProcessSpec process, List<Integer> more) {
        Set<Integer> merged = new LinkedHashSet<>(process.groups());
        more.stream().filter(group -> group != 0).forEach(merged::add);
        return List.copyOf(merged);
    }

    private static List<Link> links(List<Link> own, List<Link> more, List<MountSpec> mounts) {
        Set<SafePath> taken = new LinkedHashSet<>();
        mounts.forEach(mount -> taken.add(new SafePath(mount.target())));
        Map<SafePath, Link> merged = new LinkedHashMap<>();
        own.forEach(link -> merged.putIfAbsent(new SafePath(link.path()), link));
        more.forEach(link -> {
            SafePath path = new SafePath(link.path());
            if (!taken.contains(path)) {
                merged.putIfAbsent(path, link);
            }
        });
        return List.copyOf(merged.values());
    }
}
