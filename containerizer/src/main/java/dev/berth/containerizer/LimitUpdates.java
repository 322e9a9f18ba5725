package dev.berth.containerizer;

import dev.berth.isolator.ContainerId;
import dev.berth.isolator.Isolator;
import dev.berth.isolator.IsolatorException;
import dev.berth.isolator.LimitChange;
import dev.berth.isolator.ResourceLimits;

import java.util.ArrayList;
import java.util.List;

/** Changes of limits by all isolators, as one. */
final class LimitUpdates implements Containerizer.LimitUpdate {
    private final ContainerId id;
    private final List<LimitChange> changes = new ArrayList<>();

    private LimitUpdates(ContainerId id) {
        this.id = id;
    }

    /** Conductor thread. */
    static LimitUpdates prepare(List<Isolator> isolators, ContainerId id, ResourceLimits limits)
            throws ContainerizerException {
        LimitUpdates all = new LimitUpdates(id);
        try {
            for (Isolator isolator : isolators) {
                all.changes.add(isolator.update(id, limits));
            }
            return all;
        } catch (IsolatorException e) {
            all.close();
            throw all.failed(e);
        }
    }

    @Override
    public void apply() throws ContainerizerException {
        try {
            for (LimitChange change : changes) {
                change.apply();
            }
        } catch (IsolatorException e) {
            throw failed(e);
        }
    }

    private ContainerizerException failed(IsolatorException e) {
        return new ContainerizerException("update container " + id.shortForm(), e);
    }

    @Override
    public void close() {
        changes.forEach(LimitChange::close);
    }
}
