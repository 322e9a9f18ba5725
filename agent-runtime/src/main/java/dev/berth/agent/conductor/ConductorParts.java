package dev.berth.agent.conductor;

import dev.berth.agent.checkpoint.ContainerRecords;
import dev.berth.agent.config.SpecTranslation;
import dev.berth.agent.device.DeviceSetup;
import dev.berth.containerizer.Containerizer;
import dev.berth.containerizer.image.ImageStore;
import dev.berth.isolator.ContainerId;

import java.nio.file.Path;
import java.util.function.BiFunction;

/**
 * What the conductor works with.
 *
 * @param journalFile where starts and exits are noted
 * @param generatedFile where a container's generated file of a name must be before a start
 * @param roots lane for root file systems and checkpoints
 * @param kernel lane for what may block in the cgroup file system
 * @param devices where devices come from
 * @param wake makes the conductor's thread run its next cycle soon; called from any thread
 */
public record ConductorParts(
        Containerizer containerizer,
        ImageStore images,
        ContainerRecords records,
        Path journalFile,
        BiFunction<ContainerId, String, Path> generatedFile,
        FileLane roots,
        FileLane kernel,
        SpecTranslation translation,
        ContainerViews views,
        ExecViews execViews,
        Counters counters,
        AgentClock clock,
        DeviceSetup devices,
        Runnable wake) {}
