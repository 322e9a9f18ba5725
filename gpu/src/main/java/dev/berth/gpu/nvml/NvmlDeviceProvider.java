package dev.berth.gpu.nvml;

import static java.util.Objects.requireNonNull;

import dev.berth.gpu.DeviceEvent;
import dev.berth.gpu.DeviceId;
import dev.berth.gpu.DeviceProvider;
import dev.berth.gpu.HealthSignal;
import dev.berth.linux.ErrnoException;
import dev.berth.linux.Fd;
import dev.berth.linux.Linux;
import dev.berth.linux.OwnedFd;
import dev.berth.linux.Poll;

import org.jspecify.annotations.Nullable;

import java.lang.foreign.Arena;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;

/**
 * NVIDIA GPUs by their management library, which runs in a worker process. The conductor's methods put something into a queue and return; one thread of this object, the lane, starts the worker, talks with it, kills it
 * when a call is over its deadline, and runs the reset tool.
 */
public final class NvmlDeviceProvider implements DeviceProvider {
    /** Events that wait for the conductor; beyond it signals are dropped, and said to be. */
    private static final int MOST_EVENTS = 1 << 16;

    private static final Duration CLOSE_DEADLINE = Duration.ofSeconds(30);

    private final Linux linux;
    private final NvmlSettings settings;
    private final OwnedFd wake;
    private final Thread lane;
    private final ConcurrentLinkedQueue<Consumer<WorkerSupervisor>> commands =
            new ConcurrentLinkedQueue<>();
    private final ConcurrentLinkedQueue<DeviceEvent> events = new ConcurrentLinkedQueue<>();
    private final AtomicInteger eventCount = new AtomicInteger();
    private volatile boolean closing;
    private boolean sampling;
    private @Nullable Runnable onNews;
    private boolean dropped;
    private boolean news;

    private NvmlDeviceProvider(Linux linux, NvmlSettings settings, OwnedFd wake) {
        this.linux = linux;
        this.settings = settings;
        this.wake = wake;
        this.lane = new Thread(this::run, "berth-gpu-nvml");
        lane.setDaemon(true);
    }

    /** Opens it; nothing is started before {@link #onNews}. */
    public static NvmlDeviceProvider open(Linux linux, NvmlSettings settings)
            throws ErrnoException {
        return new NvmlDeviceProvider(linux, settings, linux.files().eventfd());
    }

    @Override
    public String name() {
        return TableAssembly.SOURCE;
    }

    @Override
    public String resourceName() {
        return TableAssembly.RESOURCE;
    }

    @Override
    public void onNews(Runnable wakeConductor) {
        onNews = wakeConductor;
        lane.start();
    }

    @Override
    public int poll(DeviceEventHandler handler, int limit) {
        int done = 0;
        while (done < limit) {
            DeviceEvent event = events.poll();
            if (event == null) {
                break;
            }
            eventCount.decrementAndGet();
            if (event instanceof DeviceEvent.Sampled) {
                sampling = false;
            }
            handler.onEvent(event);
            done++;
        }
        return done;
    }

    @Override
    public void verify(DeviceId id) {
        command(supervisor -> supervisor.verify(id));
    }

    @Override
    public void reset(DeviceId id) {
        command(supervisor -> supervisor.reset(id));
    }

    @Override
    public void sample() {
        if (!sampling) {
            sampling = true;
            command(WorkerSupervisor::sample);
        }
    }

    private void command(Consumer<WorkerSupervisor> command) {
        commands.add(command);
        wakeLane();
    }

    private void wakeLane() {
        try {
            // An eventfd adds up: it blocks only when 2^64 - 2 wakes were never read.
            byte[] one = {1, 0, 0, 0, 0, 0, 0, 0};
            linux.files().writeAll(wake, one);
        } catch (ErrnoException e) {
            throw new IllegalStateException("the lane of provider nvml cannot be woken", e);
        }
    }

    @Override
    public void close() {
        if (closing) {
            return;
        }
        closing = true;
        if (onNews != null) {
            wakeLane();
            join();
        }
        if (!lane.isAlive()) {
            wake.close();
        }
    }

    private void join() {
        boolean interrupted = false;
        long end = System.nanoTime() + CLOSE_DEADLINE.toNanos();
        while (lane.isAlive() && System.nanoTime() - end < 0) {
            try {
                lane.join(Duration.ofNanos(Math.max(1, end - System.nanoTime())));
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    // The lane.

    private void run() {
        WorkerSupervisor supervisor =
                new WorkerSupervisor(
                        settings,
                        () -> WorkerProcess.start(linux, settings),
                        new NvidiaSmi(linux, settings),
                        System::nanoTime,
                        NvmlDeviceProvider::realtimeNs,
                        this::emit);
        try {
            while (!closing) {
                Consumer<WorkerSupervisor> command;
                while ((command = commands.poll()) != null) {
                    command.accept(supervisor);
                }
                supervisor.step();
                tell();
                await(supervisor);
            }
        } catch (ErrnoException | RuntimeException e) {
            emit(new DeviceEvent.SourceChanged(false, "a fault of provider nvml: " + e));
            tell();
        } finally {
            supervisor.close();
        }
    }

    private void await(WorkerSupervisor supervisor) throws ErrnoException {
        List<Fd> fds = new ArrayList<>(List.of(wake));
        if (supervisor.worker().orElse(null) instanceof WorkerProcess process) {
            fds.add(process.readable());
        }
        int[] wanted = new int[fds.size()];
        Arrays.fill(wanted, Poll.POLLIN);
        long at = supervisor.wakeAtNs();
        int timeoutMs = -1;
        if (at != Long.MAX_VALUE) {
            long left = (at - System.nanoTime() + 999_999) / 1_000_000;
            timeoutMs = Math.clamp(left, 0, Integer.MAX_VALUE);
        }
        int[] ready = linux.processes().poll(fds, wanted, timeoutMs);
        if (ready[0] != 0) {
            try (Arena arena = Arena.ofConfined()) {
                linux.files().read(wake, arena.allocate(8, 8));
            }
        }
    }

    private void emit(DeviceEvent event) {
        if (event instanceof DeviceEvent.Signalled && eventCount.get() >= MOST_EVENTS) {
            dropped = true;
            return;
        }
        if (dropped && eventCount.get() < MOST_EVENTS / 2) {
            dropped = false;
            offer(new DeviceEvent.Signalled(lost()));
        }
        offer(event);
    }

    private void offer(DeviceEvent event) {
        eventCount.incrementAndGet();
        events.add(event);
        news = true;
    }

    private static HealthSignal lost() {
        return new HealthSignal(
                Optional.empty(),
                HealthSignal.Kind.EVENTS_LOST,
                0,
                OptionalInt.empty(),
                "more events than the agent could take",
                HealthWatch.SOURCE,
                realtimeNs());
    }

    private static long realtimeNs() {
        return System.currentTimeMillis() * 1_000_000;
    }

    private void tell() {
        if (news) {
            news = false;
            requireNonNull(onNews).run();
        }
    }
}
