package dev.berth.isolator.cgroup2.devices;

import dev.berth.isolator.ContainerConfig;
import dev.berth.isolator.ContainerConfig.DeviceRule;
import dev.berth.isolator.ContainerId;
import dev.berth.isolator.Isolator;
import dev.berth.isolator.IsolatorException;
import dev.berth.isolator.LaunchContribution;
import dev.berth.isolator.LaunchPlan;
import dev.berth.isolator.Slots;
import dev.berth.linux.Bpf;
import dev.berth.linux.ErrnoException;
import dev.berth.linux.Fd;
import dev.berth.linux.OwnedFd;

import org.jspecify.annotations.Nullable;

import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;

/**
 * Attaches one device program to each container's cgroup, deny by default. Containers with the same rules share one loaded program; the one that was used last is kept for the next.
 *
 * <p>A program that somebody else attaches to the same cgroup is taken off again by {@link #verify}, and ours put back: with BPF_F_ALLOW_MULTI all attached programs must agree, so a foreign one could take a granted
 * device away (systemd's daemon-reload does that to runtimes that share its cgroups).
 *
 * <p>Thread: conductor, one at a time.
 */
public final class DeviceIsolator implements Isolator, AutoCloseable {
    private static final String PROGRAM_NAME = "berth_devices";

    private final Bpf bpf;
    private final Function<ContainerId, Optional<Fd>> cgroups;
    private final Map<DeviceProgram, Loaded> programs = new HashMap<>();
    private final Map<ContainerId, Loaded> attached = new HashMap<>();
    private final Set<ContainerId> changed = new LinkedHashSet<>();
    private final @Nullable String unsupported;
    private @Nullable Loaded idle;

    /** A program in the kernel and how many containers have it. */
    private static final class Loaded {
        private final DeviceProgram program;
        private final OwnedFd fd;
        private final int id;
        private final boolean adopted;
        private int users;

        private Loaded(DeviceProgram program, OwnedFd fd, int id, boolean adopted) {
            this.program = program;
            this.fd = fd;
            this.id = id;
            this.adopted = adopted;
        }
    }

    /** @param cgroups the open cgroup directory of a container */
    public DeviceIsolator(Bpf bpf, Function<ContainerId, Optional<Fd>> cgroups) {
        this.bpf = bpf;
        this.cgroups = cgroups;
        this.unsupported = probe();
    }

    private @Nullable String probe() {
        try (OwnedFd _ =
                bpf.loadDeviceProgram(PROGRAM_NAME, DeviceProgram.of(List.of()).instructions())) {
            return null;
        } catch (ErrnoException e) {
            return "device access is not enforced: the kernel takes no cgroup device program ("
                    + e.getMessage()
                    + "); it needs CONFIG_CGROUP_BPF, and the agent CAP_SYS_ADMIN";
        }
    }

    /** Why no container can be started here, in a sentence; empty when device programs work. */
    public Optional<String> unsupported() {
        return Optional.ofNullable(unsupported);
    }

    @Override
    public String name() {
        return "cgroup2/devices";
    }

    /** Default devices, the configuration's device nodes, then its rules. */
    @Override
    public LaunchContribution plan(ContainerConfig config) throws IsolatorException {
        LaunchContribution.Builder builder = LaunchContribution.builder();
        DeviceRules.of(config).forEach(builder::deviceRule);
        return builder.build();
    }

    @Override
    public void acquire(ContainerConfig config, LaunchPlan plan, Slots slots)
            throws IsolatorException {
        if (!plan.exec()) {
            set(config.id(), plan.deviceRules(), true);
        }
    }

    /**
     * Makes these rules the container's, live: with one program attached it is replaced in one step, so that at no time neither or both count.
     *
     * @throws IsolatorException when the kernel refuses: a container never runs without a program
     */
    public void set(ContainerId id, List<DeviceRule> rules) throws IsolatorException {
        set(id, rules, false);
    }

    /** {@code fresh}: the cgroup was just made, so most likely there is nothing to replace. What is there all the same is found after our own counts, and taken off. */
    private void set(ContainerId id, List<DeviceRule> rules, boolean fresh)
            throws IsolatorException {
        if (unsupported != null) {
            throw new IsolatorException("cgroup2/devices: " + unsupported);
        }
        Fd cgroup =
                cgroups.apply(id)
                        .orElseThrow(() ->
                                new IsolatorException(
                                        "cgroup2/devices: container "
                                                + id.shortForm()
                                                + " has no cgroup"));
        Loaded before = attached.get(id);
        Loaded wanted = null;
        try {
            wanted = load(DeviceProgram.of(rules));
            if (before == wanted) {
                return;
            }
            List<Integer> present = fresh ? List.of() : bpf.deviceProgramIds(cgroup);
            if (present.size() == 1) {
                replaceOnly(cgroup, present.getFirst(), wanted);
            } else {
                bpf.attachDeviceProgram(cgroup, wanted.fd, Optional.empty());
                detachAllBut(cgroup, wanted.id);
            }
            wanted.users++;
            attached.put(id, wanted);
        } catch (ErrnoException e) {
            throw new IsolatorException(
                    "cgroup2/devices: attach the program of container " + id.shortForm(), e);
        } finally {
            discardUnused(wanted);
        }
        release(before);
    }

    private void replaceOnly(Fd cgroup, int present, Loaded wanted) throws ErrnoException {
        if (present == wanted.id) {
            return;
        }
        Optional<OwnedFd> old = bpf.programById(present);
        try (OwnedFd _ = old.orElse(null)) {
            bpf.attachDeviceProgram(cgroup, wanted.fd, old.map(fd -> (Fd) fd));
        }
    }

    private void detachAllBut(Fd cgroup, int id) throws ErrnoException {
        for (int other : bpf.deviceProgramIds(cgroup)) {
            if (other != id) {
                Optional<OwnedFd> fd = bpf.programById(other);
                if (fd.isPresent()) {
                    try (OwnedFd open = fd.get()) {
                        bpf.detachDeviceProgram(cgroup, open);
                    }
                }
            }
        }
    }

    private Loaded load(DeviceProgram program) throws ErrnoException {
        Loaded loaded = programs.get(program);
        if (loaded == null) {
            OwnedFd fd = bpf.loadDeviceProgram(PROGRAM_NAME, program.instructions());
            try {
                loaded = new Loaded(program, fd, bpf.programId(fd), false);
            } catch (ErrnoException e) {
                fd.close();
                throw e;
            }
            programs.put(program, loaded);
        }
        return loaded;
    }

    private void release(@Nullable Loaded loaded) {
        if (loaded != null) {
            loaded.users--;
            discardUnused(loaded);
        }
    }

    /** The program that was used last stays loaded, since the next container mostly wants the same: loading is what the verifier takes its time for. */
    private void discardUnused(@Nullable Loaded loaded) {
        if (loaded == null || loaded.users > 0 || loaded == idle) {
            return;
        }
        Loaded former = idle;
        idle = loaded;
        if (former != null && former.users == 0) {
            programs.remove(former.program);
            former.fd.close();
        }
    }

    /** Replaces the container's program by that of the configuration; one that was found at recovery and is another is told by the next {@link #verify}. */
    @Override
    public void updateDevices(ContainerConfig config) throws IsolatorException {
        ContainerId id = config.id();
        Loaded before = attached.get(id);
        try {
            boolean found = before == null || before.adopted;
            long tag = before == null ? 0 : bpf.programTag(before.fd);
            set(id, DeviceRules.of(config));
            Loaded now = attached.get(id);
            if (found && now != null && (before == null || bpf.programTag(now.fd) != tag)) {
                changed.add(id);
            }
        } catch (ErrnoException e) {
            throw new IsolatorException(
                    "cgroup2/devices: look at the program of container " + id.shortForm(), e);
        }
    }

    /**
     * Looks at the programs of every container and puts things right: ours back where it is missing, others off.
     *
     * @return the containers that had to be put right
     */
    @Override
    public List<ContainerId> verify() throws IsolatorException {
        IsolatorException failure = null;
        for (Map.Entry<ContainerId, Loaded> entry : attached.entrySet()) {
            Optional<Fd> cgroup = cgroups.apply(entry.getKey());
            if (cgroup.isEmpty()) {
                continue;
            }
            try {
                if (restore(cgroup.get(), entry.getValue())) {
                    changed.add(entry.getKey());
                }
            } catch (ErrnoException e) {
                IsolatorException next =
                        new IsolatorException(
                                "cgroup2/devices: restore the program of container "
                                        + entry.getKey().shortForm(),
                                e);
                if (failure == null) {
                    failure = next;
                } else {
                    failure.addSuppressed(next);
                }
            }
        }
        if (failure != null) {
            throw failure;
        }
        List<ContainerId> restored = List.copyOf(changed);
        changed.clear();
        return restored;
    }

    /** True when the programs were not ours alone. */
    private boolean restore(Fd cgroup, Loaded ours) throws ErrnoException {
        List<Integer> present = bpf.deviceProgramIds(cgroup);
        if (present.size() == 1 && present.getFirst() == ours.id) {
            return false;
        }
        if (!present.contains(ours.id)) {
            bpf.attachDeviceProgram(cgroup, ours.fd, Optional.empty());
        }
        detachAllBut(cgroup, ours.id);
        return true;
    }

    /**
     * Programs stay attached while the agent is away, and are taken over as they are until {@link #updateDevices} says what they should be. A container that lost its program meanwhile gets that of the default devices
     * at once: better a device too few than all of them.
     */
    @Override
    public void recover(Set<ContainerId> known, Set<ContainerId> orphans) throws IsolatorException {
        for (ContainerId id : known) {
            Optional<Fd> cgroup = cgroups.apply(id);
            if (cgroup.isPresent() && !attached.containsKey(id)) {
                adopt(id, cgroup.get());
            }
        }
    }

    private void adopt(ContainerId id, Fd cgroup) throws IsolatorException {
        try {
            List<Integer> present = bpf.deviceProgramIds(cgroup);
            if (present.isEmpty()) {
                set(id, DeviceRules.DEFAULTS);
                changed.add(id);
            } else if (present.size() == 1) {
                Optional<OwnedFd> fd = bpf.programById(present.getFirst());
                if (fd.isPresent()) {
                    DeviceProgram unknown =
                            new DeviceProgram(new byte[0], "adopted from " + id.value());
                    Loaded loaded = new Loaded(unknown, fd.get(), present.getFirst(), true);
                    loaded.users = 1;
                    programs.put(unknown, loaded);
                    attached.put(id, loaded);
                }
            }
        } catch (ErrnoException e) {
            throw new IsolatorException(
                    "cgroup2/devices: find the program of container " + id.shortForm(), e);
        }
    }

    /** Called when the cgroup was removed, and its attachment with it. */
    public void forget(ContainerId id) {
        release(attached.remove(id));
        changed.remove(id);
    }

    @Override
    public void cleanup(ContainerId id) {
        forget(id);
    }

    /** Closes all programs; attached ones live on in the kernel. */
    @Override
    public void close() {
        attached.clear();
        programs.values().forEach(loaded -> loaded.fd.close());
        programs.clear();
    }
}
