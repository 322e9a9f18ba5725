package dev.berth.agent.conductor;

import com.fasterxml.jackson.databind.node.ObjectNode;

import dev.berth.agent.config.AgentException;
import dev.berth.agent.config.ContainerSpec;
import dev.berth.agent.config.Fields;
import dev.berth.agent.config.LimitTranslation;
import dev.berth.containerizer.Containerizer.LimitUpdate;
import dev.berth.containerizer.ContainerizerException;
import dev.berth.isolator.ContainerId;
import dev.berth.isolator.ResourceLimits;

import java.util.ArrayDeque;
import java.util.HashMap;
import java.util.Map;

/**
 * Changes of limits (docker update): the kernel's part runs on the kernel lane, since shrinking memory waits for reclaim; for each container one after the other, each on top of what the one before it left.
 *
 * <p>Thread: conductor.
 */
final class Updates {
    private final Conductor conductor;
    private final ConductorParts parts;
    private final Map<ContainerId, ArrayDeque<Runnable>> waiting = new HashMap<>();

    Updates(Conductor conductor, ConductorParts parts) {
        this.conductor = conductor;
        this.parts = parts;
    }

    void update(
            Container container,
            ObjectNode changes,
            LimitTranslation limits,
            Answer<Boolean> answer) {
        Runnable step = () -> begin(container, changes, limits, answer);
        ArrayDeque<Runnable> queue = waiting.get(container.id);
        if (queue != null) {
            queue.add(step);
        } else {
            waiting.put(container.id, new ArrayDeque<>());
            step.run();
        }
    }

    private void begin(
            Container container,
            ObjectNode changes,
            LimitTranslation limits,
            Answer<Boolean> answer) {
        try {
            ContainerSpec next = container.spec.withHostConfig(changes);
            ResourceLimits limit =
                    limits.limits(new Fields(next.hostConfig(), "HostConfig"), next.required());
            if (!container.status.isAlive()) {
                keep(container, next, answer);
                return;
            }
            LimitUpdate ready = parts.containerizer().update(container.id, limit);
            conductor.onLane(parts.kernel(), () -> apply(ready, container, next, answer));
        } catch (AgentException e) {
            end(container, answer, e);
        } catch (ContainerizerException e) {
            end(container, answer, AgentException.failed("update " + container.name, e));
        }
    }

    /** Kernel lane. */
    private void apply(
            LimitUpdate ready, Container container, ContainerSpec next, Answer<Boolean> answer) {
        try (ready) {
            ready.apply();
            conductor.offer(() -> keep(container, next, answer));
        } catch (ContainerizerException | RuntimeException e) {
            conductor.offer(() ->
                    end(container, answer, AgentException.failed("update " + container.name, e)));
        }
    }

    private void keep(Container container, ContainerSpec next, Answer<Boolean> answer) {
        if (container.status == Status.REMOVING || container.status == Status.DEAD) {
            end(
                    container,
                    answer,
                    AgentException.conflict("container " + container.id + " is being removed"));
            return;
        }
        ContainerSpec old = container.spec;
        container.spec = next;
        conductor
                .creation()
                .save(
                        container,
                        answer,
                        () -> {
                            conductor.registry().publish(container);
                            conductor.tell(container, "update", Map.of());
                            next(container);
                        },
                        () -> {
                            container.spec = old;
                            next(container);
                        });
    }

    private void end(Container container, Answer<Boolean> answer, AgentException failure) {
        next(container);
        answer.onFailure(failure);
    }

    private void next(Container container) {
        ArrayDeque<Runnable> queue = waiting.get(container.id);
        Runnable step = queue == null ? null : queue.poll();
        if (step == null) {
            waiting.remove(container.id);
        } else {
            step.run();
        }
    }
}
