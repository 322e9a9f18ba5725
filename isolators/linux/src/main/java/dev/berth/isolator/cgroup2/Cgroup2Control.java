package dev.berth.isolator.cgroup2;

import dev.berth.isolator.CgroupControl;
import dev.berth.isolator.ContainerId;
import dev.berth.isolator.Isolator;
import dev.berth.isolator.IsolatorException;
import dev.berth.isolator.ResourceLimits;
import dev.berth.isolator.Usage;
import dev.berth.isolator.cgroup2.devices.DeviceIsolator;
import dev.berth.linux.At;
import dev.berth.linux.DirEntry;
import dev.berth.linux.Errno;
import dev.berth.linux.ErrnoException;
import dev.berth.linux.Fd;
import dev.berth.linux.FileMode;
import dev.berth.linux.Linux;
import dev.berth.linux.OwnedFd;

import java.time.Clock;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;

/**
 * The agent's cgroup tree and what is done with it. Its {@link #isolators} make and limit the cgroups.
 *
 * <p>Thread: as {@link CgroupControl} says; a container's {@link #remove} and {@link Isolator#update} may run on the kernel lane, one at a time for one container, and no other call for it runs beside its removal.
 */
public final class Cgroup2Control implements CgroupControl, AutoCloseable {
    private final Linux linux;
    private final Cgroup2Hierarchy hierarchy;
    private final CgroupEvents events;
    private final Clock clock;
    private final Map<ContainerId, CgroupDirectory> directories = new ConcurrentHashMap<>();
    private final DeviceIsolator devices;
    private final List<Isolator> isolators;

    private Cgroup2Control(
            Linux linux, Cgroup2Hierarchy hierarchy, CgroupEvents events, Clock clock) {
        this.linux = linux;
        this.hierarchy = hierarchy;
        this.events = events;
        this.clock = clock;
        this.devices = new DeviceIsolator(linux.bpf(), this::directory);
        this.isolators = List.of(new Cgroup2Isolator(this), devices);
    }

    /**
     * Makes or finds the tree. Processes are not touched.
     *
     * @param parent ROOT, relative to the cgroup2 mount, such as {@code berth-1a2b3c4d}
     * @throws IsolatorException without a cgroup2 mount, or when the tree cannot be made below it
     */
    public static Cgroup2Control open(Linux linux, String parent) throws IsolatorException {
        return open(linux, Cgroup2Hierarchy.open(linux, parent), Clock.systemUTC());
    }

    static Cgroup2Control open(Linux linux, Cgroup2Hierarchy hierarchy, Clock clock)
            throws IsolatorException {
        try {
            return new Cgroup2Control(linux, hierarchy, new CgroupEvents(linux.files()), clock);
        } catch (ErrnoException e) {
            hierarchy.close();
            throw new IsolatorException("cgroup2: watch for events", e);
        }
    }

    /** The isolators on this tree, in the order in which they must acquire: {@code cgroup2}, {@code cgroup2/devices}. */
    public List<Isolator> isolators() {
        return isolators;
    }

    /** Moves the agent's own process into {@code ROOT/agent}: the agent's choice. */
    public void enterAgentGroup() throws IsolatorException {
        try {
            hierarchy.move(hierarchy.agent(), linux.processes().getpid());
        } catch (ErrnoException e) {
            throw new IsolatorException("cgroup2: move the agent into its own cgroup", e);
        }
    }

    /** {@code ROOT/helpers}, for programs that the agent starts; owned here. */
    public Fd helpers() {
        return hierarchy.helpers();
    }

    /** Where ROOT is in the file system, for people. */
    public String path() {
        return hierarchy.path();
    }

    @Override
    public Fd monitors() {
        return hierarchy.monitors();
    }

    @Override
    public Optional<Fd> events() {
        return Optional.of(events.fd());
    }

    /** Makes {@code ROOT/c/ID} with its limits; what an earlier run left there empty is removed first. */
    CgroupDirectory create(ContainerId id, ResourceLimits limits) throws IsolatorException {
        try {
            if (!linux.files().mkdirat(hierarchy.containers(), id.value(), 0755)) {
                forget(id);
                try (CgroupDirectory old = new CgroupDirectory(linux.files(), hierarchy, id)) {
                    if (!old.remove()) {
                        throw new IsolatorException(
                                "cgroup2: container "
                                        + id.shortForm()
                                        + " still has processes from an earlier run: "
                                        + old.processes());
                    }
                }
                linux.files().mkdirat(hierarchy.containers(), id.value(), 0755);
            }
            return adopt(id, Optional.of(limits));
        } catch (ErrnoException e) {
            throw new IsolatorException("cgroup2: make the cgroup of " + id.shortForm(), e);
        }
    }

    /** Opens the cgroup of a container that runs already; with limits, writes them. */
    private CgroupDirectory adopt(ContainerId id, Optional<ResourceLimits> limits)
            throws ErrnoException, IsolatorException {
        CgroupDirectory directory = new CgroupDirectory(linux.files(), hierarchy, id);
        try {
            if (limits.isPresent()) {
                directory.applyDefaults();
                directory.apply(limits.get());
            }
            events.watch(id, directory.fd(), hierarchy.has(Controllers.MEMORY));
            directories.put(id, directory);
            return directory;
        } catch (ErrnoException | IsolatorException e) {
            events.unwatch(id);
            if (limits.isPresent()) {
                directory.remove();
            }
            directory.close();
            throw e;
        }
    }

    /** Opens the cgroups of known containers again, after a restart of the agent. */
    void recover(Set<ContainerId> known) throws IsolatorException {
        for (ContainerId id : known) {
            try {
                if (!directories.containsKey(id)) {
                    adopt(id, Optional.empty());
                }
            } catch (ErrnoException e) {
                if (e.errno() != Errno.ENOENT) {
                    throw new IsolatorException("cgroup2: find " + id.shortForm() + " again", e);
                }
            }
        }
    }

    private void forget(ContainerId id) throws ErrnoException {
        CgroupDirectory directory = directories.remove(id);
        if (directory != null) {
            events.unwatch(id);
            directory.close();
        }
    }

    /** The open directory of a container's cgroup, owned here. */
    public Optional<Fd> directory(ContainerId id) {
        return Optional.ofNullable(directories.get(id)).map(CgroupDirectory::fd);
    }

    Optional<CgroupDirectory> find(ContainerId id) {
        return Optional.ofNullable(directories.get(id));
    }

    OwnedFd duplicate(CgroupDirectory directory) throws ErrnoException {
        return linux.files().duplicate(directory.fd());
    }

    int drainEvents(java.util.function.Consumer<ContainerId> changed) throws ErrnoException {
        return events.drain(changed);
    }

    /** A call on a container's cgroup. */
    private interface Call<T> {
        T on(CgroupDirectory directory) throws ErrnoException;
    }

    private <T> T with(ContainerId id, String what, T otherwise, Call<T> call)
            throws IsolatorException {
        CgroupDirectory directory = directories.get(id);
        if (directory == null) {
            return otherwise;
        }
        try {
            return call.on(directory);
        } catch (ErrnoException e) {
            if (e.errno() == Errno.ENODEV || e.errno() == Errno.ENOENT) {
                return otherwise; // somebody removed the cgroup behind our back
            }
            throw new IsolatorException("cgroup2: " + what + " " + id.shortForm(), e);
        }
    }

    @Override
    public void kill(ContainerId id) throws IsolatorException {
        with(
                id,
                "kill",
                false,
                d -> {
                    d.kill();
                    return true;
                });
    }

    @Override
    public void freeze(ContainerId id, boolean frozen) throws IsolatorException {
        with(
                id,
                frozen ? "freeze" : "thaw",
                false,
                d -> {
                    d.freeze(frozen);
                    return true;
                });
    }

    @Override
    public boolean frozen(ContainerId id) throws IsolatorException {
        return with(id, "read the events of", false, d -> d.event("frozen"));
    }

    @Override
    public boolean populated(ContainerId id) throws IsolatorException {
        return with(id, "read the events of", false, d -> d.event("populated"));
    }

    @Override
    public List<Integer> processes(ContainerId id) throws IsolatorException {
        return with(id, "list the processes of", List.of(), CgroupDirectory::processes);
    }

    @Override
    public Usage usage(ContainerId id) throws IsolatorException {
        return with(id, "measure", NOTHING, d -> d.usage().sample(clock));
    }

    private static final Usage NOTHING =
            new Usage(0, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1);

    @Override
    public boolean remove(ContainerId id) throws IsolatorException {
        try {
            CgroupDirectory known = directories.get(id);
            if (known == null) {
                return removeUnknown(id);
            }
            if (!known.remove()) {
                return false;
            }
            return forgetRemoved(id);
        } catch (ErrnoException e) {
            if (e.errno() == Errno.ENODEV || e.errno() == Errno.ENOENT) {
                return forgetRemoved(id); // somebody removed it behind our back
            }
            throw new IsolatorException("cgroup2: remove the cgroup of " + id.shortForm(), e);
        }
    }

    private boolean forgetRemoved(ContainerId id) throws IsolatorException {
        devices.forget(id);
        try {
            forget(id);
        } catch (ErrnoException e) {
            throw new IsolatorException("cgroup2: stop watching " + id.shortForm(), e);
        }
        return true;
    }

    /** What an agent before us left, or nothing. */
    private boolean removeUnknown(ContainerId id) throws ErrnoException {
        try (CgroupDirectory left = new CgroupDirectory(linux.files(), hierarchy, id)) {
            left.kill();
            return left.remove();
        } catch (ErrnoException e) {
            if (e.errno() == Errno.ENOENT || e.errno() == Errno.ENODEV) {
                return true;
            }
            throw e;
        }
    }

    @Override
    public Set<ContainerId> present() throws IsolatorException {
        Set<ContainerId> present = new HashSet<>();
        try {
            for (DirEntry entry : linux.files().list(hierarchy.containers())) {
                if (entry.type() == FileMode.DT_DIR && entry.name().matches("[0-9a-f]{64}")) {
                    present.add(new ContainerId(entry.name()));
                }
            }
        } catch (ErrnoException e) {
            if (e.errno() == Errno.ENOENT) {
                return Set.of(); // removeTree came this far before
            }
            throw new IsolatorException("cgroup2: list " + hierarchy.path() + "/c", e);
        }
        return present;
    }

    @Override
    public Set<String> enforced() {
        Set<String> enforced = new TreeSet<>(Set.of("freeze"));
        for (Controller controller : Controllers.ALL) {
            if (hierarchy.has(controller)) {
                enforced.add(controller.name());
            }
        }
        if (devices.unsupported().isEmpty()) {
            enforced.add("devices");
        }
        return enforced;
    }

    @Override
    public List<String> warnings() {
        List<String> warnings = new ArrayList<>();
        devices.unsupported().ifPresent(warnings::add);
        for (Controller controller : Controllers.ALL) {
            hierarchy.whyNot(controller).ifPresent(warnings::add);
        }
        return warnings;
    }

    @Override
    public List<String> warnings(ResourceLimits limits) {
        List<String> warnings = new ArrayList<>();
        for (Controller controller : Controllers.ALL) {
            if (controller.asked(limits)) {
                hierarchy.whyNot(controller).ifPresent(warnings::add);
            }
        }
        return warnings;
    }

    /**
     * Whether all limits that the user insists on can be enforced here, and all others make sense.
     *
     * @throws IsolatorException naming the first that cannot, and what would help
     */
    void check(ResourceLimits limits) throws IsolatorException {
        for (Controller controller : Controllers.ALL) {
            controller.settings(limits);
            Optional<String> whyNot = hierarchy.whyNot(controller);
            if (whyNot.isPresent() && limits.required().contains(controller.name())) {
                throw new IsolatorException("cgroup2/" + controller.name() + ": " + whyNot.get());
            }
        }
    }

    /** Removes the whole tree below ROOT, if nothing lives in it: for tests and for taking an agent off a host. False when something does. */
    public boolean removeTree() throws IsolatorException {
        try {
            for (ContainerId id : present()) {
                if (!remove(id)) {
                    return false;
                }
            }
            for (String name : List.of("c", "helpers", "monitors", "agent")) {
                linux.files().unlinkat(hierarchy.root(), name, At.AT_REMOVEDIR);
            }
            linux.files().unlinkat(Fd.CWD, hierarchy.path(), At.AT_REMOVEDIR);
            return true;
        } catch (ErrnoException e) {
            if (e.errno() == Errno.EBUSY) {
                return false;
            }
            throw new IsolatorException("cgroup2: remove " + hierarchy.path(), e);
        }
    }

    /** Closes all descriptors; containers and their cgroups stay. */
    @Override
    public void close() {
        devices.close();
        directories.values().forEach(CgroupDirectory::close);
        directories.clear();
        events.close();
        hierarchy.close();
    }
}
