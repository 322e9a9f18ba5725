package dev.berth.isolator.cgroup2;

import dev.berth.isolator.ContainerId;
import dev.berth.isolator.IsolatorException;
import dev.berth.isolator.LimitChange;
import dev.berth.isolator.ResourceLimits;
import dev.berth.isolator.cgroup2.Controller.Choice;
import dev.berth.isolator.cgroup2.Controller.Setting;
import dev.berth.linux.At;
import dev.berth.linux.DirEntry;
import dev.berth.linux.Errno;
import dev.berth.linux.ErrnoException;
import dev.berth.linux.Fd;
import dev.berth.linux.FileMode;
import dev.berth.linux.Files;
import dev.berth.linux.Open;
import dev.berth.linux.OwnedFd;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/** The cgroup of one container, by an open directory. */
final class CgroupDirectory implements AutoCloseable {
    private static final int DIRECTORY = Open.O_RDONLY | Open.O_DIRECTORY | Open.O_NOFOLLOW;
    private static final int FILE_LIMIT_BYTES = 64 << 10;
    private static final int PROCS_LIMIT_BYTES = 64 << 20;

    /** Containers may nest cgroups when they can write theirs; the kernel itself has no limit. */
    private static final int DEPTH_LIMIT = 64;

    private final Files files;
    private final Cgroup2Hierarchy hierarchy;
    private final ContainerId id;
    private final OwnedFd directory;
    private final UsageReader usage;

    CgroupDirectory(Files files, Cgroup2Hierarchy hierarchy, ContainerId id) throws ErrnoException {
        this.files = files;
        this.hierarchy = hierarchy;
        this.id = id;
        this.directory = files.openat(hierarchy.containers(), id.value(), DIRECTORY, 0);
        this.usage = new UsageReader(files, directory);
    }

    ContainerId id() {
        return id;
    }

    Fd fd() {
        return directory;
    }

    UsageReader usage() {
        return usage;
    }

    /** Writes what every container has. */
    void applyDefaults() throws IsolatorException {
        for (Controller controller : Controllers.ALL) {
            if (hierarchy.has(controller)) {
                for (Setting setting : controller.defaults()) {
                    write(directory, controller, setting);
                }
            }
        }
    }

    /** Writes the limits of all controllers that are there, in order. */
    void apply(ResourceLimits limits) throws IsolatorException {
        apply(directory, limits);
    }

    /** The same for later and for another thread: on a descriptor of its own, since this directory may be closed by then. */
    LimitChange change(ResourceLimits limits) throws IsolatorException {
        try {
            return new Change(limits, files.duplicate(directory));
        } catch (ErrnoException e) {
            throw new IsolatorException("cgroup2: change the limits of " + id.shortForm(), e);
        }
    }

    private final class Change implements LimitChange {
        private final ResourceLimits limits;
        private final OwnedFd own;

        private Change(ResourceLimits limits, OwnedFd own) {
            this.limits = limits;
            this.own = own;
        }

        @Override
        public void apply() throws IsolatorException {
            CgroupDirectory.this.apply(own, limits);
        }

        @Override
        public void close() {
            own.close();
        }
    }

    private void apply(Fd to, ResourceLimits limits) throws IsolatorException {
        for (Controller controller : Controllers.ALL) {
            if (hierarchy.has(controller)) {
                for (Setting setting : controller.settings(limits)) {
                    write(to, controller, setting);
                }
            }
        }
    }

    private void write(Fd to, Controller controller, Setting setting) throws IsolatorException {
        for (Choice choice : setting.choices()) {
            try {
                files.writeFile(to, choice.file(), choice.value());
                return;
            } catch (ErrnoException e) {
                if (e.errno() == Errno.ENODEV) {
                    return; // the container has ended and its cgroup is gone
                }
                boolean last = choice.equals(setting.choices().getLast());
                if (e.errno() != Errno.ENOENT || (last && !setting.optional())) {
                    throw new IsolatorException(
                            "cgroup2/"
                                    + controller.name()
                                    + ": write '"
                                    + choice.value()
                                    + "' to "
                                    + choice.file()
                                    + " of container "
                                    + id.shortForm(),
                            e);
                }
            }
        }
    }

    void kill() throws ErrnoException {
        files.writeFile(directory, "cgroup.kill", "1");
    }

    void freeze(boolean frozen) throws ErrnoException {
        files.writeFile(directory, "cgroup.freeze", frozen ? "1" : "0");
    }

    /** A flag of {@code cgroup.events}: {@code populated} or {@code frozen}. */
    boolean event(String key) throws ErrnoException {
        String text = text(directory, "cgroup.events", FILE_LIMIT_BYTES);
        return text.lines().anyMatch(line -> line.equals(key + " 1"));
    }

    /** Host pids of this cgroup and all below it, ascending. */
    List<Integer> processes() throws ErrnoException {
        List<Integer> pids = new ArrayList<>();
        collect(directory, pids, 0);
        pids.sort(null);
        return pids;
    }

    private void collect(Fd at, List<Integer> pids, int depth) throws ErrnoException {
        text(at, "cgroup.procs", PROCS_LIMIT_BYTES)
                .lines()
                .forEach(line -> pids.add(Integer.parseInt(line.trim())));
        for (String child : children(at)) {
            if (depth < DEPTH_LIMIT) {
                try (OwnedFd below = files.openat(at, child, DIRECTORY, 0)) {
                    collect(below, pids, depth + 1);
                } catch (ErrnoException e) {
                    if (e.errno() != Errno.ENOENT && e.errno() != Errno.ENODEV) {
                        throw e; // the container removed it meanwhile
                    }
                }
            }
        }
    }

    private List<String> children(Fd at) throws ErrnoException {
        List<String> names = new ArrayList<>();
        for (DirEntry entry : files.list(at)) {
            if (entry.type() == FileMode.DT_DIR) {
                names.add(entry.name());
            }
        }
        return names;
    }

    private String text(Fd at, String file, int limitBytes) throws ErrnoException {
        return new String(files.readFile(at, file, limitBytes), StandardCharsets.US_ASCII);
    }

    /** Removes what the container made below this cgroup, deepest first, then the cgroup: false while a process is left. */
    boolean remove() throws ErrnoException {
        return removeChildren(directory, 0) && removeOne(hierarchy.containers(), id.value());
    }

    private boolean removeChildren(Fd at, int depth) throws ErrnoException {
        boolean all = depth < DEPTH_LIMIT;
        for (String child : all ? children(at) : List.<String>of()) {
            try (OwnedFd below = files.openat(at, child, DIRECTORY, 0)) {
                all &= removeChildren(below, depth + 1);
            } catch (ErrnoException e) {
                if (e.errno() != Errno.ENOENT && e.errno() != Errno.ENODEV) {
                    throw e;
                }
                continue;
            }
            all &= removeOne(at, child);
        }
        return all;
    }

    private boolean removeOne(Fd parent, String name) throws ErrnoException {
        try {
            files.unlinkat(parent, name, At.AT_REMOVEDIR);
            return true;
        } catch (ErrnoException e) {
            // Also for a moment after the last process is gone, while the kernel takes it apart.
            if (e.errno() == Errno.EBUSY) {
                return false;
            }
            throw e;
        }
    }

    @Override
    public void close() {
        usage.close();
        directory.close();
    }
}
