package dev.berth.tests.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import dev.berth.protocol.v1.Protos.Offer;
import dev.berth.protocol.v1.Protos.TaskInfo;
import dev.berth.protocol.v1.Protos.TaskState;
import dev.berth.tests.kit.AgentProcess;
import dev.berth.tests.kit.Await;
import dev.berth.tests.kit.LeadershipSamples;
import dev.berth.tests.kit.MasterNode;
import dev.berth.tests.kit.TestScheduler;
import dev.berth.tests.kit.ZooKeeperEnsemble;
import dev.berth.tests.kit.ZooKeeperNode;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/** An ensemble of three ZooKeeper servers that fail, under two masters, an agent and a framework with running tasks. Every one of them is a process of its own. */
@Tag("conformance")
@Timeout(180)
class ZooKeeperFailuresTest {
    private static final double LEADS_AGAIN_SECONDS = 10;

    @TempDir Path directory;
    private ZooKeeperEnsemble ensemble;
    private AgentProcess agent;
    private TestScheduler framework;
    private final List<MasterNode> masters = new ArrayList<>();

    @BeforeEach
    void start() throws Exception {
        ensemble = ZooKeeperEnsemble.start(directory.resolve("z"));
        // A list as operators have it: one of the hosts is not there any more.
        String place =
                ensemble.url("/some/where").replace("zk://", "zk://no-such-host.invalid:2181,");
        for (int i = 0; i < 2; i++) {
            masters.add(
                    MasterNode.start(
                            directory.resolve("m" + i), "--allow-anonymous", "--zk", place));
        }
        agent =
                AgentProcess.startFor(
                        place,
                        directory.resolve("a"),
                        "--resources",
                        "cpus:8;mem:4096",
                        "--gpus",
                        "none");
        MasterNode.awaitLeader(masters, 60);
        framework =
                TestScheduler.subscribe(
                        TestScheduler.FRAMEWORK,
                        masters.stream().map(MasterNode::uri).toList(),
                        Optional.empty());
    }

    @AfterEach
    void end() throws Exception {
        if (framework != null) {
            framework.close();
        }
        masters.forEach(MasterNode::close);
        if (agent != null) {
            agent.dismantle();
        }
        if (ensemble != null) {
            ensemble.close();
        }
    }

    private void launch(String... tasks) throws Exception {
        Offer offer = framework.awaitOffer("the agent", 30, _ -> true);
        List<TaskInfo.Builder> all = new ArrayList<>();
        for (String task : tasks) {
            all.add(
                    TestScheduler.command(
                            task, "echo started >> started; exec sleep 1000", 0.1, 16));
        }
        framework.launch(offer, all).accepted();
        for (String task : tasks) {
            framework.awaitState(task, 30, TaskState.TASK_RUNNING);
        }
    }

    /** A task is ended, the framework is told, and another one is started. */
    private void allGoesOn(String ends, String begins) throws Exception {
        framework.kill(ends, framework.latest(ends).orElseThrow().getAgentId()).accepted();
        framework.awaitState(ends, 30, TaskState.TASK_KILLED);
        launch(begins);
    }

    private static HttpResponse<String> write(MasterNode master) throws Exception {
        return master.post(
                        "/api/v1",
                        "{\"type\":\"UPDATE_WEIGHTS\",\"update_weights\":{\"weight_infos\":[{\"role\":\"test\",\"weight\":7}]}}")
                .get(30, TimeUnit.SECONDS);
    }

    private List<Path> notes() throws Exception {
        try (var found = Files.walk(directory.resolve("a/data/sandboxes"), 8)) {
            return found.filter(path -> path.endsWith("started")).toList();
        }
    }

    private static double seconds(long sinceNs) {
        return Math.round((System.nanoTime() - sinceNs) / 1e6) / 1e3;
    }

    @Test
    void oneServerMayDieAndWithoutAQuorumNobodyLeads() throws Exception {
        launch("t-0", "t-1", "t-2");
        try (LeadershipSamples samples = LeadershipSamples.of(masters)) {
            ZooKeeperNode first = ensemble.leader(30);
            long killedNs = System.nanoTime();
            first.kill();
            ensemble.leader(30);
            String led = "ZooKeeper has another leader after " + seconds(killedNs) + " s";
            MasterNode.awaitLeader(masters, 30);
            allGoesOn("t-0", "t-3");
            int terms = samples.terms().size();
            System.out.println(
                    led + ", all went on after " + seconds(killedNs) + " s, terms: " + terms);

            ZooKeeperNode second = ensemble.leader(30);
            long lostNs = System.nanoTime();
            second.kill();
            Await.until("nobody leads", 20, () -> masters.stream().noneMatch(this::leads));
            System.out.println("without a quorum nobody leads after " + seconds(lostNs) + " s");
            int subscriptions = framework.subscriptions();
            for (MasterNode master : masters) {
                assertThat(write(master).statusCode()).as("or to the one that led").isIn(503, 307);
                Await.until(
                        "it knows of no leader any more",
                        30,
                        () -> write(master).body().equals("No leader elected"));
                Await.until(
                        "it says what it lacks",
                        30,
                        () -> master.log().contains("do more than half of its servers run"));
            }
            // Longer than any session: that all of them are over is seen when they are back.
            Await.until("the sessions' time is over", 20, () -> seconds(lostNs) > 7);
            assertThat(samples.overlaps()).isEmpty();

            long backNs = System.nanoTime();
            second.restart();
            ensemble.leader(30);
            long quorumNs = System.nanoTime();
            MasterNode next = MasterNode.awaitLeader(masters, 30);
            double leads = seconds(quorumNs);
            Await.until(
                    "the agent is back",
                    30,
                    () ->
                            next.get("/metrics/snapshot")
                                    .body()
                                    .contains("\"master/slaves_active\":1"));
            framework.await(
                    "it is subscribed again", 30, () -> framework.subscriptions() > subscriptions);
            System.out.println(
                    "quorum back after "
                            + (seconds(backNs) - seconds(quorumNs))
                            + " s; then a leader after "
                            + leads
                            + " s, agent and framework after "
                            + seconds(quorumNs)
                            + " s");
            assertThat(leads).isLessThan(LEADS_AGAIN_SECONDS);
            allGoesOn("t-1", "t-4");
            assertThat(samples.overlaps()).isEmpty();
            assertThat(samples.answers()).isPositive();
        }
        for (String task : List.of("t-2", "t-3", "t-4")) {
            assertThat(framework.latest(task).orElseThrow().getState())
                    .isEqualTo(TaskState.TASK_RUNNING);
        }
        for (Path note : notes()) {
            assertThat(Files.readAllLines(note)).as(note.toString()).hasSize(1);
        }
        assertThat(notes()).hasSize(5);
        framework.teardown().accepted();
    }

    private boolean leads(MasterNode master) {
        try {
            return master.leads();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }
}
