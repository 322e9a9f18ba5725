package dev.berth.agent.tasks;

import dev.berth.agent.conductor.ContainerView;
import dev.berth.protocol.v1.Protos.ExecutorInfo;
import dev.berth.protocol.v1.Protos.FrameworkInfo;
import dev.berth.protocol.v1.Protos.Task;
import dev.berth.protocol.v1.Protos.TaskInfo;

import java.nio.file.Path;
import java.util.Optional;

/**
 * A task as it was at one moment; immutable, for any thread.
 *
 * @param terminal whether it has ended
 * @param acknowledged whether its scheduler knows that
 */
public record TaskView(
        FrameworkInfo framework,
        Task task,
        TaskInfo info,
        Optional<ExecutorInfo> executor,
        String executorId,
        Path sandbox,
        boolean terminal,
        boolean acknowledged,
        Optional<ContainerView> container) {}
