package dev.berth.agent.conductor;

import dev.berth.agent.config.AgentLog;
import dev.berth.containerizer.ContainerizerException;
import dev.berth.isolator.ContainerId;

import java.util.Map;

/** Looks every two seconds, while a container runs, whether what guards containers is what was put there; the kernel tells nobody when a device program is taken off. Conductor thread. */
final class Guards {
    /** How long a container may run with a program that is not ours. */
    static final long PERIOD_NS = 2_000_000_000L;

    private final Conductor conductor;
    private final ConductorParts parts;
    private final Registry registry;
    private final Timers timers;
    private boolean armed;

    Guards(Conductor conductor, ConductorParts parts, Registry registry, Timers timers) {
        this.conductor = conductor;
        this.parts = parts;
        this.registry = registry;
        this.timers = timers;
    }

    /** A container runs: from now on it is looked after. */
    void watch() {
        if (!armed) {
            armed = true;
            timers.at(parts.clock().monotonicNs() + PERIOD_NS, this::look);
        }
    }

    private void look() {
        armed = false;
        try {
            for (ContainerId id : parts.containerizer().verify()) {
                parts.counters().increment(Counter.GUARDS_RESTORED);
                AgentLog.warn(
                        "the device program of container "
                                + id.shortForm()
                                + " had been changed by somebody else and was restored");
                Container container = registry.byId(id);
                if (container != null) {
                    conductor.tell(container, "devices-restored", Map.of());
                }
            }
        } catch (ContainerizerException e) {
            parts.counters().increment(Counter.GUARD_FAILURES);
            AgentLog.error("guards of containers", e);
        }
        if (registry.anyAlive()) {
            watch();
        }
    }
}
