package dev.berth.agent;

import dev.berth.agent.checkpoint.ContainerRecords;
import dev.berth.agent.conductor.AgentClock;
import dev.berth.agent.conductor.Conductor;
import dev.berth.agent.conductor.ConductorParts;
import dev.berth.agent.conductor.ContainerViews;
import dev.berth.agent.conductor.Counters;
import dev.berth.agent.conductor.ExecViews;
import dev.berth.agent.conductor.FileLane;
import dev.berth.agent.config.AgentConfig;
import dev.berth.agent.config.AgentException;
import dev.berth.agent.config.AgentLog;
import dev.berth.agent.config.LimitTranslation;
import dev.berth.agent.config.SpecTranslation;
import dev.berth.agent.docker.ApiServer;
import dev.berth.agent.docker.FdWatch;
import dev.berth.agent.docker.MetricsPage;
import dev.berth.containerizer.Containerizer;
import dev.berth.linux.Fd;
import dev.berth.linux.Linux;

import io.netty.channel.ManualIoEventLoop;
import io.netty.channel.epoll.EpollIoHandler;

import org.jspecify.annotations.Nullable;

import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * One running agent: its threads, from recovery to the last answer.
 *
 * <p>Thread: {@link #open}, {@link #await} and {@link #close} from any one thread.
 */
public final class NodeAgent implements AutoCloseable {
    private static final long LONGEST_WAIT_NS = TimeUnit.HOURS.toNanos(1);
    private static final int ROOT_THREADS = 8;
    private static final int IMAGE_THREADS = 16;
    private static final int KERNEL_THREADS = 4;

    private final AgentConfig config;
    private final Linux linux;
    private final Machinery.Maker maker;
    private final FileLane roots = new FileLane("berth-roots", ROOT_THREADS);
    private final FileLane kernel = new FileLane("berth-kernel", KERNEL_THREADS);
    private final FileLane images = new FileLane("berth-images", IMAGE_THREADS);
    private final ContainerViews views = new ContainerViews();
    private final ExecViews execs = new ExecViews();
    private final Counters counters = new Counters();
    private final CountDownLatch ready = new CountDownLatch(1);
    private final CountDownLatch ended = new CountDownLatch(1);
    private final CountDownLatch endAsked = new CountDownLatch(1);
    private final Thread thread;
    private volatile @Nullable ManualIoEventLoop loop;
    private volatile @Nullable Conductor conductor;
    private volatile @Nullable Machinery machinery;
    private volatile @Nullable AgentException failure;
    private volatile @Nullable ApiServer api;
    private volatile Optional<NodeTasks> tasks = Optional.empty();
    private volatile boolean stopping;

    private NodeAgent(AgentConfig config, Linux linux, Machinery.Maker maker) {
        this.config = config;
        this.linux = linux;
        this.maker = maker;
        thread = Thread.ofPlatform().name("berth-conductor").unstarted(this::conduct);
    }

    /** Recovers what an earlier agent left, then listens; returns when clients are answered. */
    public static NodeAgent open(AgentConfig config, Linux linux, Machinery.Maker maker)
            throws AgentException {
        NodeAgent agent = new NodeAgent(config, linux, maker);
        agent.thread.start();
        try {
            agent.ready.await();
            AgentException failed = agent.failure;
            if (failed != null) {
                throw failed;
            }
            agent.listen();
            return agent;
        } catch (InterruptedException e) {
            agent.close();
            Thread.currentThread().interrupt();
            throw AgentException.failed("start the agent", e);
        } catch (AgentException e) {
            agent.close();
            throw e;
        }
    }

    private void listen() throws AgentException {
        Conductor conducting = conductor;
        Machinery made = machinery;
        if (conducting == null || made == null) {
            throw new IllegalStateException("the conductor is not ready");
        }
        HostFacts host = new HostFacts(linux, views);
        ApiServer server =
                ApiServer.open(
                        new ApiServer.Services(
                                config,
                                conducting,
                                new LimitTranslation(host),
                                views,
                                execs,
                                made.images(),
                                images,
                                counters,
                                linux,
                                made.containerizer().enforcement(),
                                made.logDirectory(),
                                made.generatedFile()));
        api = server;
        made.containerizer().enforcement().warnings().forEach(AgentLog::warn);
        if (config.exitWhenIdleSeconds() > 0) {
            conducting.offer(() ->
                    conducting.whenIdle(
                            config.exitWhenIdleSeconds(),
                            () -> server.connections() > 0 || images.waiting() > 0,
                            this::end));
        }
    }

    private void conduct() {
        ManualIoEventLoop own =
                new ManualIoEventLoop(Thread.currentThread(), EpollIoHandler.newFactory());
        loop = own;
        try {
            Machinery made = maker.make(linux, config);
            machinery = made;
            made.containerizer().onDescriptors(new Descriptors(own));
            Conductor conducting = new Conductor(parts(made));
            conductor = conducting;
            conducting.recover();
            Optional<NodeTasks> working = tasks(own, conducting, made);
            tasks = working;
            ready.countDown();
            cycle(own, conducting, working);
            working.ifPresent(NodeTasks::close);
            conducting.onClose();
        } catch (AgentException e) {
            failure = e;
        } catch (RuntimeException e) {
            AgentLog.error("conductor", e);
            failure = AgentException.failed("start the agent", e);
        } finally {
            Machinery made = machinery;
            if (made != null) {
                made.close();
            }
            var _ = own.shutdownGracefully(0, 0, TimeUnit.MILLISECONDS);
            while (!own.isTerminated()) {
                own.run(TimeUnit.MILLISECONDS.toNanos(1));
            }
            ready.countDown();
            endAsked.countDown();
            ended.countDown();
        }
    }

    /** What works for a master, where there is one. */
    private Optional<NodeTasks> tasks(ManualIoEventLoop own, Conductor conducting, Machinery made)
            throws AgentException {
        return config.master().isEmpty()
                ? Optional.empty()
                : Optional.of(
                        new NodeTasks(
                                new NodeTasks.Parts(
                                        config,
                                        config.master().get(),
                                        conducting,
                                        made,
                                        linux,
                                        views,
                                        roots,
                                        images,
                                        own,
                                        () ->
                                                MetricsPage.of(
                                                        counters,
                                                        views.all(),
                                                        conducting.devices()))));
    }

    private void cycle(ManualIoEventLoop own, Conductor conducting, Optional<NodeTasks> working) {
        while (!stopping) {
            int work = conducting.doWork();
            working.ifPresent(NodeTasks::watchDevices);
            long next = conducting.nextTimerNs();
            long wait =
                    next == Long.MAX_VALUE
                            ? LONGEST_WAIT_NS
                            : Math.min(LONGEST_WAIT_NS, next - AgentClock.SYSTEM.monotonicNs());
            if (work > 0 || wait <= 0) {
                own.runNow();
            } else {
                own.run(wait);
            }
        }
    }

    private ConductorParts parts(Machinery made) throws AgentException {
        Path directory = config.dataRoot().resolve("agent");
        ContainerRecords records = new ContainerRecords(directory);
        return new ConductorParts(
                made.containerizer(),
                made.images(),
                records,
                directory.resolve("journal"),
                made.generatedFile(),
                roots,
                kernel,
                new SpecTranslation(new HostFacts(linux, views), config.noNewPrivileges()),
                views,
                execs,
                counters,
                AgentClock.SYSTEM,
                made.devices(),
                this::wake);
    }

    /** A task makes the loop return from its wait also when the wake-up comes just before it. */
    private void wake() {
        ManualIoEventLoop own = loop;
        if (own != null && !stopping) {
            own.execute(() -> {});
        }
    }

    /** The containerizer's descriptors on the conductor's own loop. */
    private static final class Descriptors implements Containerizer.DescriptorListener {
        private final ManualIoEventLoop loop;
        private final Map<Integer, FdWatch> watches = new HashMap<>();

        private Descriptors(ManualIoEventLoop loop) {
            this.loop = loop;
        }

        @Override
        public void watch(Fd fd) {
            try {
                // Nothing to do here: the cycle after a wake-up polls the containerizer.
                watches.put(fd.number(), FdWatch.on(loop, fd, FdWatch.READ_LEVEL, () -> {}));
            } catch (AgentException e) {
                throw new IllegalStateException("watch " + fd, e);
            }
        }

        @Override
        public void unwatch(Fd fd) {
            FdWatch watch = watches.remove(fd.number());
            if (watch != null) {
                watch.cancel();
            }
        }
    }

    /** Counters, for checks. */
    public Counters counters() {
        return counters;
    }

    /** Where the operator API listens; 0 without a master. */
    public int operatorPort() {
        return tasks.map(NodeTasks::port).orElse(0);
    }

    /** Asks the agent to end; {@link #await} returns. Any thread. */
    public void end() {
        endAsked.countDown();
    }

    /** Waits until the agent is asked to end. */
    public void await() throws InterruptedException {
        endAsked.await();
    }

    /** Stops listening, ends the threads, closes everything; containers run on. */
    @Override
    public void close() {
        ApiServer server = api;
        api = null;
        if (server != null) {
            server.close();
        }
        ManualIoEventLoop own = loop;
        if (own != null && !stopping) {
            try {
                own.execute(() -> stopping = true);
            } catch (java.util.concurrent.RejectedExecutionException _) {
                // The thread has ended by itself.
            }
        }
        try {
            if (thread.isAlive() && !ended.await(10, TimeUnit.SECONDS)) {
                AgentLog.warn("the conductor did not end within 10 seconds");
            }
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
        roots.close();
        kernel.close();
        images.close();
        endAsked.countDown();
    }
}
