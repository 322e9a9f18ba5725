package dev.berth.gpu.cdi;

import dev.berth.gpu.ContainerEdits;
import dev.berth.gpu.DeviceException;
import dev.berth.gpu.cdi.CdiSpec.Edits;
import dev.berth.gpu.cdi.CdiSpec.Mount;
import dev.berth.gpu.cdi.CdiSpec.Node;
import dev.berth.isolator.ContainerConfig.DeviceNode;
import dev.berth.isolator.ContainerConfig.Link;
import dev.berth.isolator.ContainerConfig.MountSpec;
import dev.berth.linux.At;
import dev.berth.linux.ErrnoException;
import dev.berth.linux.Fd;
import dev.berth.linux.Linux;
import dev.berth.linux.Statx;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** CDI's words in those of the isolators. What cannot be done refuses, by what it is. */
final class CdiTranslation {
    private static final int DEFAULT_MODE = 0666;
    private static final int DEFAULT_TMPFS_MODE = 01777;
    private static final Set<String> PROPAGATION =
            Set.of("private", "rprivate", "slave", "rslave", "shared", "rshared");

    private CdiTranslation() {}

    /**
     * Edits that are ready but for the numbers of device nodes, which may change until the start.
     *
     * @param edits without nodes
     * @param refusal why nothing of it is given; empty when it is
     */
    record Ready(ContainerEdits edits, List<Node> nodes, Optional<String> refusal) {}

    /** File lane: hooks may look into the mounted libraries. */
    static Ready translate(Edits edits, CdiHooks hooks) throws ErrnoException {
        try {
            if (!edits.netDevices().isEmpty()) {
                throw new DeviceException(
                        "it moves network interface "
                                + edits.netDevices().getFirst().hostInterfaceName()
                                + " into the container (netDevices), which Berth does not do");
            }
            if (edits.intelRdt().isPresent()) {
                throw new DeviceException(
                        "it wants Intel RDT class \""
                                + edits.intelRdt().get().closId()
                                + "\" (intelRdt), which Berth does not set");
            }
            List<MountSpec> mounts = new ArrayList<>();
            for (Mount mount : edits.mounts()) {
                mounts.add(mount(mount));
            }
            List<String> env = new ArrayList<>(edits.env());
            List<Link> links = new ArrayList<>();
            List<String> warnings = new ArrayList<>();
            hooks.apply(edits, new CdiHooks.Into(env, mounts, links, warnings));
            for (Node node : edits.deviceNodes()) {
                if (node.type().equals("p")) {
                    throw new DeviceException(
                            "device node " + node.path() + " is a FIFO, which Berth does not make");
                }
            }
            ContainerEdits ready =
                    new ContainerEdits(
                            env, List.of(), mounts, edits.additionalGids(), links, warnings);
            return new Ready(ready, edits.deviceNodes(), Optional.empty());
        } catch (DeviceException e) {
            return new Ready(
                    ContainerEdits.NONE, List.of(), Optional.of(String.valueOf(e.getMessage())));
        }
    }

    /**
     * The node with what is left to the host filled in. One system call where numbers are missing.
     *
     * @param uid owner where the file names none: the process's user
     */
    static DeviceNode node(Linux linux, Node node, int uid, int gid) throws DeviceException {
        String type = node.type().equals("u") ? "c" : node.type();
        int major = node.major();
        int minor = node.minor();
        if (type.isEmpty() || major == 0) {
            String host = node.hostPath().isEmpty() ? node.path() : node.hostPath();
            Statx found = stat(linux, host);
            String there = found.isBlockDevice() ? "b" : found.isCharDevice() ? "c" : "";
            if (there.isEmpty() || (!type.isEmpty() && !type.equals(there))) {
                throw new DeviceException(
                        host
                                + " is no "
                                + (type.equals("b") ? "block" : type.isEmpty() ? "" : "character")
                                + " device: is its driver loaded?");
            }
            type = there;
            major = Statx.major(found.rdev());
            minor = Statx.minor(found.rdev());
        }
        return new DeviceNode(
                node.path(),
                type.charAt(0),
                major,
                minor,
                node.fileMode().orElse(DEFAULT_MODE) & 07777,
                node.uid().orElse(uid),
                node.gid().orElse(gid),
                node.permissions().isEmpty() ? "rw" : node.permissions());
    }

    private static Statx stat(Linux linux, String path) throws DeviceException {
        try {
            return linux.files()
                    .statx(Fd.CWD, path, At.AT_SYMLINK_NOFOLLOW)
                    .orElseThrow(() ->
                            new DeviceException(
                                    path + " is not on this host: is its driver loaded?"));
        } catch (ErrnoException e) {
            throw new DeviceException("look at " + path, e);
        }
    }

    private static MountSpec mount(Mount mount) throws DeviceException {
        return switch (mount.type()) {
            case "", "bind", "none" -> bind(mount);
            case "tmpfs" -> tmpfs(mount);
            default ->
                    throw new DeviceException(
                            "a mount of type \""
                                    + mount.type()
                                    + "\" on "
                                    + mount.containerPath()
                                    + ", there are bind and tmpfs");
        };
    }

    private static MountSpec.Bind bind(Mount mount) throws DeviceException {
        if (!mount.hostPath().startsWith("/")) {
            throw new DeviceException(
                    "a bind of \"" + mount.hostPath() + "\", which is no absolute path");
        }
        boolean readOnly = false;
        boolean recursiveReadOnly = false;
        boolean recursive = true;
        boolean noExec = false;
        boolean noSuid = false;
        boolean noDev = false;
        String propagation = "rprivate";
        for (String option : mount.options()) {
            switch (option) {
                case "ro" -> readOnly = true;
                case "rro" -> {
                    readOnly = true;
                    recursiveReadOnly = true;
                }
                case "rw" -> readOnly = false;
                case "bind" -> recursive = false;
                case "rbind" -> recursive = true;
                case "noexec" -> noExec = true;
                case "exec" -> noExec = false;
                case "nosuid" -> noSuid = true;
                case "suid" -> noSuid = false;
                case "nodev" -> noDev = true;
                case "dev" -> noDev = false;
                default -> {
                    if (!PROPAGATION.contains(option)) {
                        throw unknown(mount, option);
                    }
                    propagation = option;
                }
            }
        }
        return new MountSpec.Bind(
                mount.hostPath(),
                mount.containerPath(),
                readOnly,
                recursiveReadOnly,
                recursive,
                propagation,
                noExec,
                noSuid,
                noDev);
    }

    private static DeviceException unknown(Mount mount, String option) {
        return new DeviceException(
                "mount option \"" + option + "\" of " + mount.containerPath() + " is unknown");
    }

    private static MountSpec.Tmpfs tmpfs(Mount mount) throws DeviceException {
        long size = 0;
        int mode = DEFAULT_TMPFS_MODE;
        boolean readOnly = false;
        boolean exec = false;
        for (String option : mount.options()) {
            if (option.matches("size=[0-9]{1,15}[kmg]?")) {
                size = size(option.substring(5));
            } else if (option.matches("mode=[0-7]{1,5}")) {
                mode = Integer.parseInt(option.substring(5), 8) & 07777;
            } else {
                switch (option) {
                    case "ro" -> readOnly = true;
                    case "rw" -> readOnly = false;
                    case "exec" -> exec = true;
                    case "noexec" -> exec = false;
                    case "nosuid", "nodev" -> {} // always
                    default -> throw unknown(mount, option);
                }
            }
        }
        return new MountSpec.Tmpfs(mount.containerPath(), size, mode, 0, 0, readOnly, exec);
    }

    private static long size(String text) {
        int shift =
                switch (text.charAt(text.length() - 1)) {
                    case 'k' -> 10;
                    case 'm' -> 20;
                    case 'g' -> 30;
                    default -> 0;
                };
        return Long.parseLong(shift == 0 ? text : text.substring(0, text.length() - 1)) << shift;
    }
}
