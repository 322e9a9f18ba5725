package dev.berth.containerizer;

import dev.berth.containerizer.launch.LaunchPlanner;
import dev.berth.isolator.ContainerConfig;
import dev.berth.isolator.ExecConfig;
import dev.berth.isolator.Isolator;
import dev.berth.isolator.IsolatorException;
import dev.berth.isolator.LaunchContribution;
import dev.berth.isolator.LaunchPlan;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Asks every isolator and merges. Pure; any thread. */
final class Plans {
    private final List<Isolator> isolators;

    Plans(List<Isolator> isolators) {
        this.isolators = isolators;
    }

    LaunchPlan plan(ContainerConfig config) throws ContainerizerException, IsolatorException {
        Map<String, LaunchContribution> contributions = new LinkedHashMap<>();
        for (Isolator isolator : isolators) {
            contributions.put(isolator.name(), isolator.plan(config));
        }
        return LaunchPlanner.merge(config.id().value(), false, contributions);
    }

    LaunchPlan planExec(ContainerConfig container, ExecConfig exec)
            throws ContainerizerException, IsolatorException {
        Map<String, LaunchContribution> contributions = new LinkedHashMap<>();
        for (Isolator isolator : isolators) {
            contributions.put(isolator.name(), isolator.planExec(container, exec));
        }
        return LaunchPlanner.merge(exec.id(), true, contributions);
    }
}
