package dev.berth.agent.cli.hostcheck;

import dev.berth.agent.cli.session.CliException;
import dev.berth.gpu.Cleanliness;
import dev.berth.gpu.DeviceEvent;
import dev.berth.gpu.DeviceId;
import dev.berth.gpu.DeviceSample;
import dev.berth.gpu.DeviceTable;
import dev.berth.gpu.nvml.NvmlDeviceProvider;
import dev.berth.gpu.nvml.NvmlSettings;
import dev.berth.linux.ErrnoException;
import dev.berth.linux.Fd;
import dev.berth.linux.Linux;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Function;

/** The agent's NVML provider with its worker process, asked one question at a time. */
final class NvmlSource implements AutoCloseable {
    /** A driver that nobody keeps awake takes two seconds a board. */
    private static final Duration DISCOVERY = Duration.ofSeconds(60);

    private static final Duration ANSWER = Duration.ofSeconds(20);

    /** How long a source that says why it does not work may think better of it. */
    private static final Duration SECOND_CHANCE = Duration.ofSeconds(5);

    private static final long POLL_NS = 1_000_000;

    private final NvmlDeviceProvider provider;
    private final Deque<DeviceEvent> news = new ArrayDeque<>();
    private String reason = "";

    private NvmlSource(NvmlDeviceProvider provider) {
        this.provider = provider;
    }

    /**
     * Starts the worker, as the agent does.
     *
     * @param log takes what the worker says
     */
    static NvmlSource open(Linux linux, Target target, Path library, Fd log) throws ErrnoException {
        NvmlSettings.Worker worker =
                new NvmlSettings.Worker(
                        Path.of(System.getProperty("java.home"), "bin", "java"),
                        System.getProperty("java.class.path"),
                        NvmlSettings.JVM_FLAGS,
                        target.environment(),
                        log,
                        Optional.empty());
        NvmlSource source =
                new NvmlSource(
                        NvmlDeviceProvider.open(
                                linux, NvmlSettings.of(target.hostRoot(), library, worker)));
        Thread asker = Thread.currentThread();
        source.provider.onNews(() -> LockSupport.unpark(asker));
        return source;
    }

    /** The first table. */
    DeviceTable discover() throws CliException {
        return await(
                "discovery",
                DISCOVERY,
                event ->
                        event instanceof DeviceEvent.TableChanged(DeviceTable table)
                                ? Optional.of(table)
                                : Optional.empty());
    }

    List<DeviceSample> sample() throws CliException {
        provider.sample();
        return await(
                "a reading",
                ANSWER,
                event ->
                        event instanceof DeviceEvent.Sampled(var samples)
                                ? Optional.of(samples)
                                : Optional.empty());
    }

    Cleanliness verify(DeviceId id) throws CliException {
        provider.verify(id);
        return await(
                "verification of " + id,
                ANSWER,
                event ->
                        event instanceof DeviceEvent.Verified(DeviceId its, Cleanliness found)
                                        && its.equals(id)
                                ? Optional.of(found)
                                : Optional.empty());
    }

    private <T> T await(String what, Duration limit, Function<DeviceEvent, Optional<T>> wanted)
            throws CliException {
        long end = System.nanoTime() + limit.toNanos();
        while (System.nanoTime() - end < 0) {
            provider.poll(news::add, Integer.MAX_VALUE);
            for (DeviceEvent event = news.poll(); event != null; event = news.poll()) {
                if (event instanceof DeviceEvent.SourceChanged(boolean working, String why)) {
                    reason = working ? "" : why;
                    if (!working) {
                        end = Math.min(end, System.nanoTime() + SECOND_CHANCE.toNanos());
                    }
                }
                Optional<T> answer = wanted.apply(event);
                if (answer.isPresent()) {
                    return answer.get();
                }
            }
            LockSupport.parkNanos(POLL_NS);
        }
        throw new CliException(
                1,
                "no answer to "
                        + what
                        + (reason.isEmpty()
                                ? " within " + limit.toSeconds() + " s"
                                : ": " + reason));
    }

    @Override
    public void close() {
        provider.close();
    }
}
