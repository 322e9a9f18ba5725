package dev.berth.agent;

import static org.assertj.core.api.Assertions.assertThat;

import dev.berth.agent.config.MasterOptions;
import dev.berth.agent.config.SandboxRetention;
import dev.berth.agent.master.MasterLink;
import dev.berth.agent.master.MasterNames;
import dev.berth.agent.master.NodeReport;
import dev.berth.agent.tasks.HandDrivenHost;
import dev.berth.agent.tasks.TaskBoard;
import dev.berth.agent.tasks.TaskHost;
import dev.berth.agent.tasks.TaskPaths;
import dev.berth.linux.Linux;
import dev.berth.protocol.link.Link;
import dev.berth.protocol.v1.Protos.ExecutorID;
import dev.berth.protocol.v1.Protos.Resource;
import dev.berth.protocol.v1.Protos.Value;

import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.epoll.EpollIoHandler;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import java.net.InetAddress;
import java.net.URI;
import java.net.UnknownHostException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/** The link without the rest of an agent: what it asks of name services, and what a heartbeat costs. */
@Timeout(60)
class MasterLinkTest {
    private static final long PATIENCE_NS = 15_000_000_000L;

    @TempDir Path directory;
    private final EventLoopGroup loop =
            new MultiThreadIoEventLoopGroup(1, EpollIoHandler.newFactory());
    private final AtomicInteger reports = new AtomicInteger();
    private volatile double cpus = 4;

    @AfterEach
    void close() {
        var _ = loop.shutdownGracefully(0, 5, TimeUnit.SECONDS).awaitUninterruptibly();
    }

    private NodeReport report() {
        reports.incrementAndGet();
        return new NodeReport(
                List.of(
                        Resource.newBuilder()
                                .setName("cpus")
                                .setType(Value.Type.SCALAR)
                                .setScalar(Value.Scalar.newBuilder().setValue(cpus))
                                .build()),
                List.of());
    }

    private MasterLink link(TaskHost host, List<URI> masters, MasterNames.Resolver resolver)
            throws Exception {
        MasterOptions options =
                new MasterOptions(
                        masters, Optional.empty(), "127.0.0.1", 0, true, Optional.empty(), "", "");
        return new MasterLink(
                options,
                loop,
                host,
                new TaskBoard(
                        host, Linux.host(), new TaskPaths(directory), SandboxRetention.DEFAULT),
                new MasterLink.Node("h", 1, "0.1.0", "b", this::report),
                resolver);
    }

    /** Its clock is moved by hand; steps wait until they are taken; the lane is for others. */
    private static final class Waiting extends HandDrivenHost {
        final LinkedBlockingQueue<Runnable> steps = new LinkedBlockingQueue<>();

        @Override
        public void offer(Runnable step) {
            steps.add(step);
        }

        @Override
        public void onLane(Runnable job) {
            throw new AssertionError("the link has no business on the lane for files");
        }
    }

    @Test
    void aNameServiceThatDoesNotAnswerHoldsUpNothing() throws Exception {
        CountDownLatch answers = new CountDownLatch(1);
        LinkedBlockingQueue<String> asked = new LinkedBlockingQueue<>();
        Waiting host = new Waiting();
        MasterLink link =
                link(
                        host,
                        List.of(URI.create("http://slow:5050"), URI.create("http://none:5050")),
                        name -> {
                            asked.add(name);
                            if (name.equals("slow")) {
                                try {
                                    answers.await();
                                } catch (InterruptedException e) {
                                    throw new IllegalStateException(e);
                                }
                            }
                            throw new UnknownHostException(name);
                        });
        link.start();
        assertThat(asked.take()).isEqualTo("slow");
        host.pass(PATIENCE_NS - 1);
        assertThat(asked).isEmpty();
        // It is not waited for longer: the next master's turn, whose name is told at once.
        host.pass(1_000_000_000L);
        assertThat(asked.take()).isEqualTo("none");
        host.steps.take().run();
        // Back to the first, of which one lookup is enough, and to the second again.
        host.pass(2 * PATIENCE_NS);
        assertThat(asked.take()).isEqualTo("none");
        assertThat(asked).isEmpty();
        answers.countDown();
        host.steps.take().run();
        host.steps.take().run();
        link.close();
    }

    /** Everything on the loop's thread, as an agent has it. */
    private final class OnLoop extends HandDrivenHost {
        @Override
        public long monotonicNs() {
            return System.nanoTime();
        }

        @Override
        public void offer(Runnable step) {
            loop.execute(step);
        }

        @Override
        public Runnable at(long atNs, Runnable step) {
            var due = loop.schedule(step, atNs - System.nanoTime(), TimeUnit.NANOSECONDS);
            return () -> due.cancel(false);
        }
    }

    @Test
    void heartbeatsCostNoReportAndAChangeIsToldWhenItHappens() throws Exception {
        try (FakeMaster master = new FakeMaster()) {
            MasterLink link =
                    link(
                            new OnLoop(),
                            List.of(URI.create(master.address())),
                            InetAddress::getByName);
            loop.execute(link::start);
            assertThat(master.accept().getAgentInfo().getResources(0).getScalar().getValue())
                    .isEqualTo(4);
            assertThat(master.next().hasHeartbeat()).isTrue();
            int before = reports.get();
            for (int i = 0; i < 5; i++) {
                assertThat(master.next().hasHeartbeat()).isTrue();
            }
            assertThat(reports.get()).as("for five heartbeats").isEqualTo(before);
            loop.execute(link::refresh);
            cpus = 6;
            loop.execute(link::refresh);
            assertThat(master.nextWord().getResourcesChanged().getResources(0).getScalar())
                    .isEqualTo(Value.Scalar.newBuilder().setValue(6).build());
            loop.submit(link::close).sync();
        }
    }

    @Test
    void anExecutorsEndIsToldThoughTheRegistrationThatNamesItIsNotAnswered() throws Exception {
        Link.FromAgent exited =
                Link.FromAgent.newBuilder()
                        .setExecutorExited(
                                Link.ExecutorExited.newBuilder()
                                        .setFrameworkId(FakeMaster.FRAMEWORK)
                                        .setExecutorId(ExecutorID.newBuilder().setValue("pod"))
                                        .setStatus(0))
                        .build();
        try (FakeMaster master = new FakeMaster()) {
            MasterLink link =
                    link(
                            new OnLoop(),
                            List.of(URI.create(master.address())),
                            InetAddress::getByName);
            loop.execute(link::start);
            master.accept(() -> loop.submit(() -> link.send(exited)).awaitUninterruptibly());
            // A report that has changed shows where what comes first would have been.
            cpus = 6;
            loop.execute(link::refresh);
            assertThat(master.nextWord()).isEqualTo(exited);
            assertThat(master.nextWord().hasResourcesChanged()).isTrue();
            loop.submit(link::close).sync();
        }
    }
}
