package dev.berth.isolator.cgroup2;

import dev.berth.isolator.IsolatorException;
import dev.berth.linux.Errno;
import dev.berth.linux.ErrnoException;
import dev.berth.linux.Fd;
import dev.berth.linux.Files;
import dev.berth.linux.FsMagic;
import dev.berth.linux.Linux;
import dev.berth.linux.Open;
import dev.berth.linux.OwnedFd;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/**
 * Our part of the cgroup2 tree: {@code ROOT/{agent,monitors,helpers,c}} as open directories, with every controller that this host has in version 2 enabled down to the children of {@code c}.
 *
 * <p>Only leaves hold processes ("no internal processes"): that is why the agent, the monitors and the helpers have cgroups of their own beside {@code c}.
 *
 * <p>Thread: conductor.
 */
final class Cgroup2Hierarchy implements AutoCloseable {
    private static final int MOUNTINFO_LIMIT_BYTES = 16 << 20;
    private static final int FILE_LIMIT_BYTES = 64 << 10;
    private static final int DIRECTORY = Open.O_RDONLY | Open.O_DIRECTORY | Open.O_NOFOLLOW;

    private final Files files;
    private final String path;
    private final OwnedFd root;
    private final OwnedFd agent;
    private final OwnedFd monitors;
    private final OwnedFd helpers;
    private final OwnedFd containers;
    private final Set<String> enabled;
    private final Map<String, String> missing;

    private Cgroup2Hierarchy(
            Files files, String path, List<OwnedFd> directories, Map<String, String> missing)
            throws ErrnoException {
        this.files = files;
        this.path = path;
        this.root = directories.get(0);
        this.agent = directories.get(1);
        this.monitors = directories.get(2);
        this.helpers = directories.get(3);
        this.containers = directories.get(4);
        this.enabled = Set.copyOf(words(files, containers, "cgroup.subtree_control"));
        this.missing = missing;
    }

    /**
     * Makes or finds the tree below the first cgroup2 mount of this mount namespace.
     *
     * @param parent ROOT, relative to the mount, such as {@code berth-1a2b3c4d} or {@code system.slice/berth.slice}
     */
    static Cgroup2Hierarchy open(Linux linux, String parent) throws IsolatorException {
        Files files = linux.files();
        try {
            String mountinfo =
                    new String(
                            files.readFile(Fd.CWD, "/proc/self/mountinfo", MOUNTINFO_LIMIT_BYTES),
                            StandardCharsets.UTF_8);
            return open(files, CgroupMounts.parse(mountinfo), parent);
        } catch (ErrnoException e) {
            throw new IsolatorException("cgroup2: make the tree of " + parent, e);
        }
    }

    static Cgroup2Hierarchy open(Files files, CgroupMounts mounts, String parent)
            throws IsolatorException, ErrnoException {
        String mountPoint =
                mounts.unified()
                        .orElseThrow(() ->
                                new IsolatorException(
                                        "cgroup2: no cgroup2 file system is mounted: run 'mount -t cgroup2 cgroup2 /sys/fs/cgroup/unified', or boot with unified control groups"));
        Map<String, String> missing = new LinkedHashMap<>();
        List<OwnedFd> directories = new ArrayList<>();
        OwnedFd current = files.openat(Fd.CWD, mountPoint, DIRECTORY, 0);
        try {
            if (files.fstatfsMagic(current) != FsMagic.CGROUP2_SUPER_MAGIC) {
                throw new IsolatorException("cgroup2: not a cgroup2 file system: " + mountPoint);
            }
            enable(files, current, mountPoint, mounts, missing);
            String path = mountPoint;
            for (String name : components(parent)) {
                OwnedFd child = child(files, current, name);
                current.close();
                current = child;
                path = path + "/" + name;
                enable(files, current, path, mounts, missing);
            }
            directories.add(current);
            for (String name : List.of("agent", "monitors", "helpers", "c")) {
                directories.add(child(files, current, name));
            }
            enable(files, directories.get(4), path + "/c", mounts, missing);
            return new Cgroup2Hierarchy(files, path, directories, Map.copyOf(missing));
        } catch (IsolatorException | ErrnoException e) {
            current.close();
            directories.forEach(OwnedFd::close);
            throw e;
        }
    }

    private static List<String> components(String parent) throws IsolatorException {
        List<String> components = new ArrayList<>();
        for (String name : parent.split("/")) {
            if (name.equals(".") || name.equals("..")) {
                throw new IsolatorException("cgroup2: bad cgroup parent: " + parent);
            }
            if (!name.isEmpty()) {
                components.add(name);
            }
        }
        if (components.isEmpty()) {
            throw new IsolatorException("cgroup2: the cgroup parent must not be the root");
        }
        return components;
    }

    private static OwnedFd child(Files files, Fd directory, String name) throws ErrnoException {
        files.mkdirat(directory, name, 0755);
        return files.openat(directory, name, DIRECTORY, 0);
    }

    /** Lets the children of a directory have all the controllers that it has; the first reason for a missing one is the topmost, which is the true one. */
    private static void enable(
            Files files,
            Fd directory,
            String path,
            CgroupMounts mounts,
            Map<String, String> missing)
            throws ErrnoException {
        Set<String> available = words(files, directory, "cgroup.controllers");
        Set<String> enabled = words(files, directory, "cgroup.subtree_control");
        for (Controller controller : Controllers.ALL) {
            String name = controller.name();
            if (missing.containsKey(name) || enabled.contains(name)) {
                continue;
            }
            if (!available.contains(name)) {
                missing.put(name, whyMissing(controller, path, mounts));
                continue;
            }
            try {
                files.writeFile(directory, "cgroup.subtree_control", "+" + name);
            } catch (ErrnoException e) {
                missing.put(name, whyRefused(controller, path, e));
            }
        }
    }

    private static String whyMissing(Controller controller, String path, CgroupMounts mounts) {
        String because =
                mounts.legacy().contains(controller.legacyName())
                        ? "the "
                                + controller.legacyName()
                                + " controller is mounted as cgroup v1 on this host; boot with systemd.unified_cgroup_hierarchy=1 or cgroup_no_v1=all"
                        : "cgroup v2 has no "
                                + controller.name()
                                + " controller at "
                                + path
                                + "; it is left out of the kernel, disabled by cgroup_disable= on its command line, or not delegated";
        return controller.limits() + " are not enforced: " + because;
    }

    private static String whyRefused(Controller controller, String path, ErrnoException e) {
        String because =
                e.errno() == Errno.EBUSY
                        ? path + " holds processes itself; move them into a cgroup below it"
                        : "enabling it for " + path + " failed with " + e.errno();
        return controller.limits() + " are not enforced: " + because;
    }

    static Set<String> words(Files files, Fd directory, String file) throws ErrnoException {
        String text =
                new String(
                        files.readFile(directory, file, FILE_LIMIT_BYTES),
                        StandardCharsets.US_ASCII);
        Set<String> words = new TreeSet<>();
        for (String word : text.trim().split("\\s+")) {
            if (!word.isEmpty()) {
                words.add(word);
            }
        }
        return words;
    }

    /** Absolute path of ROOT, for messages. */
    String path() {
        return path;
    }

    Fd root() {
        return root;
    }

    Fd agent() {
        return agent;
    }

    Fd monitors() {
        return monitors;
    }

    Fd helpers() {
        return helpers;
    }

    Fd containers() {
        return containers;
    }

    /** Whether the cgroups of containers have this controller. */
    boolean has(Controller controller) {
        return enabled.contains(controller.name());
    }

    /** Why a controller is not there, in a sentence. */
    Optional<String> whyNot(Controller controller) {
        return has(controller)
                ? Optional.empty()
                : Optional.of(
                        missing.getOrDefault(
                                controller.name(),
                                controller.limits()
                                        + " are not enforced: the controller is not enabled in "
                                        + path
                                        + "/c"));
    }

    /** Moves a process with all its threads ({@code cgroup.procs}). */
    void move(Fd directory, int pid) throws ErrnoException {
        files.writeFile(directory, "cgroup.procs", Integer.toString(pid));
    }

    @Override
    public void close() {
        for (OwnedFd directory : List.of(containers, helpers, monitors, agent, root)) {
            directory.close();
        }
    }
}
