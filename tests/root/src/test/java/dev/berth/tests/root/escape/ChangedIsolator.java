package dev.berth.tests.root.escape;

import dev.berth.isolator.ContainerConfig;
import dev.berth.isolator.ContainerId;
import dev.berth.isolator.ExecConfig;
import dev.berth.isolator.Isolator;
import dev.berth.isolator.IsolatorException;
import dev.berth.isolator.LaunchContribution;
import dev.berth.isolator.LaunchPlan;
import dev.berth.isolator.LimitChange;
import dev.berth.isolator.ResourceLimits;
import dev.berth.isolator.Slots;

import java.util.Set;
import java.util.function.UnaryOperator;

/** An isolator whose contributions to launches are changed; on the host it does what it always does. */
record ChangedIsolator(Isolator isolator, UnaryOperator<LaunchContribution> change)
        implements Isolator {
    @Override
    public String name() {
        return isolator.name();
    }

    @Override
    public LaunchContribution plan(ContainerConfig config) throws IsolatorException {
        return change.apply(isolator.plan(config));
    }

    @Override
    public LaunchContribution planExec(ContainerConfig container, ExecConfig exec)
            throws IsolatorException {
        return change.apply(isolator.planExec(container, exec));
    }

    @Override
    public void acquire(ContainerConfig config, LaunchPlan plan, Slots slots)
            throws IsolatorException {
        isolator.acquire(config, plan, slots);
    }

    @Override
    public void recover(Set<ContainerId> known, Set<ContainerId> orphans) throws IsolatorException {
        isolator.recover(known, orphans);
    }

    @Override
    public LimitChange update(ContainerId id, ResourceLimits limits) throws IsolatorException {
        return isolator.update(id, limits);
    }

    @Override
    public int poll(LimitationHandler handler) {
        return isolator.poll(handler);
    }

    @Override
    public void cleanup(ContainerId id) throws IsolatorException {
        isolator.cleanup(id);
    }
}
