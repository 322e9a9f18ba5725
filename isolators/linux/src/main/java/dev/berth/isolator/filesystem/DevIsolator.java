package dev.berth.isolator.filesystem;

import dev.berth.isolator.ContainerConfig;
import dev.berth.isolator.ContainerConfig.DeviceNode;
import dev.berth.isolator.Isolator;
import dev.berth.isolator.IsolatorException;
import dev.berth.isolator.LaunchContribution;
import dev.berth.isolator.LaunchOp;
import dev.berth.isolator.LaunchOp.Node;
import dev.berth.isolator.MountAttr;
import dev.berth.isolator.MountSource;
import dev.berth.isolator.Phase;
import dev.berth.isolator.SafePath;

import java.util.ArrayList;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * A {@code /dev} of its own: a file system that nobody else has, filled through its descriptor before it is attached, so that no link in the image can lead the making of nodes elsewhere.
 */
public final class DevIsolator implements Isolator {
    private static final SafePath DEV = new SafePath("/dev");
    private static final int TTY_GROUP = 5;

    @Override
    public String name() {
        return "filesystem/dev";
    }

    @Override
    public LaunchContribution plan(ContainerConfig config) throws IsolatorException {
        MountTable table = new MountTable(config);
        LaunchContribution.Builder b = LaunchContribution.builder();
        List<LaunchOp.MakeDevice> elsewhere = new ArrayList<>();
        b.op(
                new LaunchOp.MakeFilesystem(
                        Phase.FILESYSTEMS,
                        "device nodes, made outside the device cgroup",
                        LaunchOp.DEV,
                        "tmpfs",
                        ordered("mode", "0755", "size", "65536k"),
                        EnumSet.of(MountAttr.NO_SUID, MountAttr.STRICT_ATIME),
                        nodes(config, elsewhere)));
        elsewhere.forEach(b::op);
        b.op(
                new LaunchOp.MakeFilesystem(
                        Phase.FILESYSTEMS,
                        "terminals of its own",
                        LaunchOp.DEVPTS,
                        "devpts",
                        ordered("ptmxmode", "0666", "mode", "0620", "gid", "" + TTY_GROUP),
                        EnumSet.of(MountAttr.NO_SUID, MountAttr.NO_EXEC),
                        List.of()));
        if (config.tty()) {
            b.op(
                    new LaunchOp.OpenTerminal(
                            "the terminal that was asked for",
                            config.process().uid(),
                            config.consoleRows(),
                            config.consoleColumns()));
        }
        if (table.stands("/dev")) {
            b.op(attach("device nodes", new MountSource.Made(LaunchOp.DEV), "/dev"));
        }
        if (table.stands("/dev/pts")) {
            b.op(attach("terminals", new MountSource.Made(LaunchOp.DEVPTS), "/dev/pts"));
            if (config.tty() && table.stands("/dev/console")) {
                b.op(
                        attach(
                                "its terminal is its console",
                                new MountSource.Terminal(),
                                "/dev/console"));
            }
        }
        return b.build();
    }

    static LaunchOp.AttachMount attach(String why, MountSource source, String target) {
        return new LaunchOp.AttachMount(why, source, new SafePath(target), Set.of(), false, "");
    }

    /** Options in this order. */
    static Map<String, String> ordered(String... keysAndValues) {
        Map<String, String> options = new LinkedHashMap<>();
        for (int i = 0; i < keysAndValues.length; i += 2) {
            options.put(keysAndValues[i], keysAndValues[i + 1]);
        }
        return options;
    }

    private static List<Node> nodes(ContainerConfig config, List<LaunchOp.MakeDevice> elsewhere)
            throws IsolatorException {
        Map<String, Node> nodes = new LinkedHashMap<>();
        device(nodes, "null", 1, 3);
        device(nodes, "zero", 1, 5);
        device(nodes, "full", 1, 7);
        device(nodes, "random", 1, 8);
        device(nodes, "urandom", 1, 9);
        device(nodes, "tty", 5, 0);
        put(nodes, new Node.Link("fd", "/proc/self/fd"));
        put(nodes, new Node.Link("stdin", "/proc/self/fd/0"));
        put(nodes, new Node.Link("stdout", "/proc/self/fd/1"));
        put(nodes, new Node.Link("stderr", "/proc/self/fd/2"));
        put(nodes, new Node.Link("ptmx", "pts/ptmx"));
        put(nodes, new Node.Directory("pts", 0755));
        put(nodes, new Node.Directory("shm", 01777));
        put(nodes, new Node.Directory("mqueue", 01777));
        if (config.tty()) {
            put(nodes, new Node.EmptyFile("console", 0600));
        }
        Set<String> directories = new LinkedHashSet<>();
        for (DeviceNode asked : config.devices()) {
            SafePath path = MountTable.path(asked.path());
            List<String> names = path.names();
            if (names.isEmpty() || path.equals(DEV)) {
                throw new IsolatorException(
                        "filesystem/dev: not a device node's path: " + asked.path());
            }
            boolean below = path.within(DEV);
            String relative =
                    below ? String.join("/", names.subList(1, names.size())) : names.getLast();
            Node.Device device =
                    new Node.Device(
                            relative,
                            asked.type(),
                            asked.major(),
                            asked.minor(),
                            asked.mode(),
                            asked.uid(),
                            asked.gid());
            if (!below) {
                elsewhere.add(new LaunchOp.MakeDevice("a device that was asked for", path, device));
                continue;
            }
            for (int i = 1; i < names.size() - 1; i++) {
                directories.add(String.join("/", names.subList(1, i + 1)));
            }
            nodes.put(relative, device);
        }
        return withDirectories(directories, nodes);
    }

    private static List<Node> withDirectories(Set<String> directories, Map<String, Node> nodes)
            throws IsolatorException {
        List<Node> all = new ArrayList<>();
        for (String directory : directories) {
            Node there = nodes.get(directory);
            if (there != null && !(there instanceof Node.Directory)) {
                throw new IsolatorException(
                        "filesystem/dev: /dev/"
                                + directory
                                + " is a device node and the directory of another");
            }
            if (there == null) {
                all.add(new Node.Directory(directory, 0755));
            }
        }
        // Directories that devices asked for lie in may be the default ones.
        nodes.values().stream().filter(n -> n instanceof Node.Directory).forEach(all::add);
        nodes.values().stream().filter(n -> !(n instanceof Node.Directory)).forEach(all::add);
        return all;
    }

    private static void device(Map<String, Node> nodes, String name, int major, int minor) {
        put(nodes, new Node.Device(name, 'c', major, minor, 0666, 0, 0));
    }

    private static void put(Map<String, Node> nodes, Node node) {
        nodes.put(node.path(), node);
    }
}
