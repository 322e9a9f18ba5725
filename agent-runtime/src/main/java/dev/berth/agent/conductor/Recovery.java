package dev.berth.agent.conductor;

import dev.berth.agent.checkpoint.ContainerRecord;
import dev.berth.agent.checkpoint.ContainerRecords;
import dev.berth.agent.config.AgentException;
import dev.berth.agent.config.AgentLog;
import dev.berth.containerizer.Containerizer.KnownContainer;
import dev.berth.containerizer.ContainerizerException;
import dev.berth.containerizer.image.ImageException;
import dev.berth.isolator.ContainerConfig;
import dev.berth.isolator.ContainerId;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;

/** The first thing an agent does: reads what an earlier one wrote, lets the containerizer find what runs, and clears away creations and removals that were cut short. */
final class Recovery {
    private final ConductorParts parts;
    private final Registry registry;
    private final History history;
    private final Grants grants;

    Recovery(ConductorParts parts, Registry registry, History history, Grants grants) {
        this.grants = grants;
        this.parts = parts;
        this.registry = registry;
        this.history = history;
    }

    void run() throws AgentException {
        ContainerRecords.Loaded loaded = parts.records().load();
        loaded.unreadable().forEach(line -> AgentLog.warn("checkpoint left alone: " + line));
        List<KnownContainer> known = new ArrayList<>();
        for (ContainerRecord record : loaded.records()) {
            Container container = new Container(record);
            boolean mayRun = history.replay(container);
            try {
                registry.reserve(container.name, container.id);
            } catch (AgentException e) {
                AgentLog.warn(e.chain());
                container.name = container.id.shortForm();
            }
            registry.add(container);
            if (mayRun) {
                parts.counters().increment(Counter.CONTAINERS_RECOVERED);
            }
        }
        grants.recover(
                registry.all().stream()
                        .filter(container -> container.status == Status.RUNNING)
                        .map(container -> container.id)
                        .collect(Collectors.toSet()));
        // Translation may look other containers up by name, so it follows when all are there.
        for (Container container : List.copyOf(registry.all())) {
            try {
                ContainerConfig config =
                        parts.translation()
                                .translate(container.id, container.spec, container.identity);
                container.config = grants.recovered(container, config);
                registry.publish(container);
                known.add(new KnownContainer(container.config, container.status == Status.RUNNING));
            } catch (AgentException e) {
                AgentLog.error("container " + container.id.shortForm(), e);
            }
        }
        try {
            parts.containerizer().recover(known);
        } catch (ContainerizerException e) {
            throw AgentException.failed("recover containers", e);
        }
        history.compact(registry.all());
        clearUnfinished(loaded.unfinished());
    }

    private void clearUnfinished(List<ContainerId> unfinished) {
        Set<String> leases = new HashSet<>(parts.images().leases());
        for (Container container : registry.all()) {
            leases.remove(container.id.value());
        }
        for (ContainerId id : unfinished) {
            leases.remove(id.value());
            clear(id);
        }
        for (String lease : leases) {
            if (lease.matches("[0-9a-f]{64}")) {
                clear(new ContainerId(lease));
            }
        }
    }

    private void clear(ContainerId id) {
        try {
            parts.containerizer().removeRoot(id);
            parts.images().release(id.value());
            parts.records().remove(id);
        } catch (ContainerizerException | ImageException | AgentException e) {
            AgentLog.error("clear away unfinished container " + id.shortForm(), e);
        }
    }
}
