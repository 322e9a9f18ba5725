package dev.berth.isolator.cgroup2;

import dev.berth.isolator.ContainerConfig;
import dev.berth.isolator.ContainerId;
import dev.berth.isolator.ExecConfig;
import dev.berth.isolator.Isolator;
import dev.berth.isolator.IsolatorException;
import dev.berth.isolator.LaunchContribution;
import dev.berth.isolator.LaunchPlan;
import dev.berth.isolator.LimitChange;
import dev.berth.isolator.Limitation;
import dev.berth.isolator.ResourceLimits;
import dev.berth.isolator.Slot;
import dev.berth.isolator.Slots;
import dev.berth.linux.ErrnoException;

import java.io.UncheckedIOException;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;

/**
 * Gives each container its cgroup with its limits, which the process is born into (CLONE_INTO_CGROUP), and tells when one ran out of memory.
 *
 * <p>Thread: conductor; {@link #update} kernel lane.
 */
final class Cgroup2Isolator implements Isolator {
    private final Cgroup2Control control;
    private final Map<ContainerId, Long> oomKills = new HashMap<>();

    Cgroup2Isolator(Cgroup2Control control) {
        this.control = control;
    }

    @Override
    public String name() {
        return "cgroup2";
    }

    @Override
    public LaunchContribution plan(ContainerConfig config) throws IsolatorException {
        control.check(config.limits());
        return LaunchContribution.builder().slot(Slot.CGROUP).build();
    }

    @Override
    public LaunchContribution planExec(ContainerConfig container, ExecConfig exec) {
        return LaunchContribution.builder().slot(Slot.CGROUP).build();
    }

    @Override
    public void acquire(ContainerConfig config, LaunchPlan plan, Slots slots)
            throws IsolatorException {
        CgroupDirectory directory =
                plan.exec()
                        ? control.find(config.id())
                                .orElseThrow(() ->
                                        new IsolatorException(
                                                "cgroup2: container "
                                                        + config.id().shortForm()
                                                        + " does not run"))
                        : control.create(config.id(), config.limits());
        try {
            slots.fill(Slot.CGROUP, control.duplicate(directory));
        } catch (ErrnoException e) {
            throw new IsolatorException("cgroup2: duplicate a descriptor", e);
        }
        if (!plan.exec()) {
            oomKills.put(config.id(), 0L);
        }
    }

    @Override
    public void recover(Set<ContainerId> known, Set<ContainerId> orphans) throws IsolatorException {
        control.recover(known);
        for (ContainerId id : known) {
            oomKills.put(id, oomKills(id));
        }
        for (ContainerId id : orphans) {
            control.remove(id);
        }
    }

    @Override
    public LimitChange update(ContainerId id, ResourceLimits limits) throws IsolatorException {
        control.check(limits);
        var directory = control.find(id);
        return directory.isPresent() ? directory.get().change(limits) : LimitChange.NONE;
    }

    @Override
    public int poll(LimitationHandler handler) {
        try {
            return control.drainEvents(id -> {
                long now = oomKills(id);
                Long before = oomKills.put(id, now);
                if (now > 0 && (before == null || now > before)) {
                    handler.onLimitation(id, Limitation.OOM);
                }
            });
        } catch (ErrnoException e) {
            // Reading our own inotify descriptor cannot fail but by a bug.
            throw new UncheckedIOException(new java.io.IOException("cgroup2: read events", e));
        }
    }

    private long oomKills(ContainerId id) {
        try {
            var directory = control.find(id);
            return directory.isPresent() ? Math.max(0, directory.get().usage().oomKills()) : 0;
        } catch (ErrnoException e) {
            return 0; // the cgroup is being removed
        }
    }

    @Override
    public void cleanup(ContainerId id) throws IsolatorException {
        if (!control.remove(id)) {
            throw new IsolatorException(
                    "cgroup2: container " + id.shortForm() + " still has processes");
        }
        oomKills.remove(id);
    }
}
