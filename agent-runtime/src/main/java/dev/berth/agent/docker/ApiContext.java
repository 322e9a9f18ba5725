package dev.berth.agent.docker;

import dev.berth.agent.conductor.ConductorProxy;
import dev.berth.agent.conductor.ContainerViews;
import dev.berth.agent.conductor.Counters;
import dev.berth.agent.conductor.ExecViews;
import dev.berth.agent.conductor.FileLane;
import dev.berth.agent.config.AgentConfig;
import dev.berth.containerizer.Containerizer.Enforcement;
import dev.berth.containerizer.image.ImageStore;
import dev.berth.isolator.ContainerId;
import dev.berth.linux.Linux;

import io.netty.channel.IoEventLoop;

import java.nio.file.Path;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.function.BiFunction;
import java.util.function.Function;

/**
 * What the endpoints work with.
 *
 * @param lane for what blocks: pulls, loads, reading back logs
 * @param generatedFile where a generated file of a container is
 * @param logDirectory where a container's log is
 * @param rawStreams hijacked connections that are open; the loop's
 * @param loop the loop of all connections
 */
record ApiContext(
        AgentConfig config,
        ConductorProxy conductor,
        ContainerViews containers,
        ExecViews execs,
        ImageStore images,
        FileLane lane,
        Counters counters,
        Linux linux,
        Enforcement enforcement,
        Function<ContainerId, Path> logDirectory,
        BiFunction<ContainerId, String, Path> generatedFile,
        LogWaker waker,
        Set<RawStream> rawStreams,
        IoEventLoop loop) {
    /** Runs something on the loop after a while. */
    void after(long delay, TimeUnit unit, Runnable step) {
        var _ = loop.schedule(step, delay, unit);
    }
}
