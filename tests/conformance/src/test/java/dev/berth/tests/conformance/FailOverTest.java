package dev.berth.tests.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import dev.berth.protocol.v1.Protos.Offer;
import dev.berth.protocol.v1.Protos.TaskInfo;
import dev.berth.protocol.v1.Protos.TaskState;
import dev.berth.protocol.v1.Protos.TaskStatus;
import dev.berth.tests.kit.AgentProcess;
import dev.berth.tests.kit.Await;
import dev.berth.tests.kit.MasterNode;
import dev.berth.tests.kit.TestScheduler;
import dev.berth.tests.kit.ZooKeeperNode;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/** Three masters on ZooKeeper, two agents that find them there, one framework: and the leader dies, or sleeps. Every one of them is a process of its own. */
@Tag("conformance")
@Timeout(180)
class FailOverTest {
    private static final int TASKS_PER_AGENT = 100;

    /** Of those, on each agent. */
    private static final int ENDING_IN_THE_GAP = 10;

    private static final double START_SECONDS = 60;

    /** Of a lost leader's session, and of ZooKeeper's clock, which knows only even seconds. */
    private static final double NEW_LEADER_SECONDS = 10;

    private static final String STARTED = "echo started >> started; ";

    @TempDir Path directory;
    private ZooKeeperNode zooKeeper;
    private final List<MasterNode> masters = new ArrayList<>();
    private final List<AgentProcess> agents = new ArrayList<>();
    private final List<Path> homes = new ArrayList<>();
    private Optional<TestScheduler> scheduler = Optional.empty();

    @BeforeEach
    void start() throws Exception {
        zooKeeper = ZooKeeperNode.start(directory.resolve("z"));
        String place = zooKeeper.url("/berth");
        for (int i = 0; i < 3; i++) {
            masters.add(
                    MasterNode.start(
                            directory.resolve("m" + i), "--allow-anonymous", "--zk", place));
        }
    }

    @AfterEach
    void end() throws Exception {
        scheduler.ifPresent(TestScheduler::close);
        masters.forEach(MasterNode::close);
        for (AgentProcess agent : agents) {
            agent.dismantle();
        }
        if (zooKeeper != null) {
            zooKeeper.close();
        }
    }

    private void startAgents(int count) throws IOException {
        for (int i = 0; i < count; i++) {
            Path home = directory.resolve("a" + i);
            homes.add(home);
            agents.add(
                    AgentProcess.startFor(
                            zooKeeper.url("/berth"),
                            home,
                            "--resources",
                            "cpus:64;mem:65536",
                            "--gpus",
                            "none"));
        }
    }

    private TestScheduler subscribe() throws Exception {
        List<URI> all = masters.stream().map(MasterNode::uri).toList();
        TestScheduler made =
                TestScheduler.subscribe(TestScheduler.FRAMEWORK, all, Optional.empty());
        scheduler = Optional.of(made);
        return made;
    }

    /** One offer of each of so many agents. */
    private static List<Offer> offers(TestScheduler framework, int agents) throws Exception {
        Map<String, Offer> byAgent = new LinkedHashMap<>();
        framework.await(
                agents + " agents are offered",
                30,
                () -> {
                    byAgent.clear();
                    framework
                            .offers()
                            .forEach(offer -> byAgent.put(offer.getAgentId().getValue(), offer));
                    return byAgent.size() == agents;
                });
        return List.copyOf(byAgent.values());
    }

    private static String name(String kind, int agent, int number) {
        return kind + "-" + agent + "-" + number;
    }

    /** Sleepers, and those that wait for a word in their sandbox, with which they end. */
    private static List<TaskInfo.Builder> tasks(int agent) {
        List<TaskInfo.Builder> out = new ArrayList<>();
        for (int i = 0; i < TASKS_PER_AGENT - ENDING_IN_THE_GAP; i++) {
            out.add(
                    TestScheduler.command(
                            name("sleep", agent, i), STARTED + "exec sleep 1000", 0.1, 16));
        }
        for (int i = 0; i < ENDING_IN_THE_GAP; i++) {
            String wait = STARTED + "mkfifo word; read code < word; exit $code";
            out.add(TestScheduler.command(name("gap", agent, i), wait, 0.1, 16));
        }
        return out;
    }

    /** Waits until all tasks are in a state, by their last update. */
    private void awaitAll(TestScheduler framework, TaskState state, Set<String> tasks)
            throws Exception {
        try {
            framework.await(
                    "all are " + state,
                    60,
                    () -> {
                        Map<String, List<TaskStatus>> updates = framework.updates();
                        return tasks.stream().allMatch(task -> is(updates, task, state));
                    });
        } catch (TimeoutException e) {
            Map<String, List<TaskStatus>> updates = framework.updates();
            StringBuilder others = new StringBuilder();
            for (String task : tasks) {
                if (!is(updates, task, state)) {
                    others.append(task).append(": ").append(updates.get(task)).append('\n');
                }
            }
            for (AgentProcess agent : agents) {
                others.append(agent.log());
            }
            throw new AssertionError("not all tasks are " + state + ":\n" + others, e);
        }
    }

    private static boolean is(Map<String, List<TaskStatus>> updates, String task, TaskState state) {
        List<TaskStatus> own = updates.getOrDefault(task, List.of());
        return !own.isEmpty() && own.getLast().getState() == state;
    }

    /** Lets the waiting ones of an agent end, the odd ones with a failure. */
    private static Map<String, TaskState> endInTheGap(Path home, int agent) throws IOException {
        Map<String, TaskState> ends = new LinkedHashMap<>();
        for (int i = 0; i < ENDING_IN_THE_GAP; i++) {
            String task = name("gap", agent, i);
            Path word = runs(home, task).getFirst().resolve("word");
            Files.writeString(word, (i % 2) + "\n");
            ends.put(task, i % 2 == 0 ? TaskState.TASK_FINISHED : TaskState.TASK_FAILED);
        }
        return ends;
    }

    /** Sandboxes of a task on an agent, one for each start. */
    private static List<Path> runs(Path home, String task) throws IOException {
        try (Stream<Path> found = Files.walk(home.resolve("data/sandboxes"), 6)) {
            return found.filter(Files::isDirectory)
                    .filter(path -> path.getParent().getFileName().toString().equals("runs"))
                    .filter(path -> path.getName(path.getNameCount() - 3).toString().equals(task))
                    .filter(path -> !Files.isSymbolicLink(path))
                    .toList();
        }
    }

    /** How often every task has begun, on all agents together. */
    private Map<String, Integer> starts() throws IOException {
        Map<String, Integer> counts = new HashMap<>();
        for (Path home : homes) {
            List<Path> notes;
            try (Stream<Path> found = Files.walk(home.resolve("data/sandboxes"), 8)) {
                notes = found.filter(path -> path.endsWith("started")).toList();
            }
            for (Path note : notes) {
                String task = note.getName(note.getNameCount() - 4).toString();
                counts.merge(task, Files.readAllLines(note).size(), Integer::sum);
            }
        }
        return counts;
    }

    /** The states of a task's updates, without those that came again, in the order in which they came first; and none comes again after a later one. */
    private static List<TaskState> order(List<TaskStatus> updates) {
        Set<String> known = new LinkedHashSet<>();
        List<TaskState> states = new ArrayList<>();
        String last = "";
        for (TaskStatus status : updates) {
            if (!status.hasUuid()) {
                continue; // the master's own answer to a question
            }
            String uuid = status.getUuid().toStringUtf8();
            if (known.add(uuid)) {
                states.add(status.getState());
            } else {
                assertThat(uuid).as("an old update after a later one: " + updates).isEqualTo(last);
            }
            last = uuid;
        }
        return states;
    }

    private static double seconds(long fromNs, long toNs) {
        return Math.round((toNs - fromNs) / 1e6) / 1e3;
    }

    @Test
    void nothingIsLostWhenTheLeaderIsKilledUnderTwoHundredTasks() throws Exception {
        MasterNode leader = MasterNode.awaitLeader(masters, START_SECONDS);
        startAgents(2);
        TestScheduler framework = subscribe();
        Set<String> running = new LinkedHashSet<>();
        for (Offer offer : offers(framework, 2)) {
            int agent = running.isEmpty() ? 0 : 1;
            List<TaskInfo.Builder> tasks = tasks(agent);
            tasks.forEach(task -> running.add(task.getTaskId().getValue()));
            framework.launch(offer, tasks).accepted();
        }
        framework.acknowledges(status ->
                !status.getTaskId().getValue().startsWith("sleep-0-")
                        || status.getState() != TaskState.TASK_RUNNING);
        awaitAll(framework, TaskState.TASK_RUNNING, running);
        Set<String> hasty = launchHasty(framework);

        long killedNs = System.nanoTime();
        leader.kill();
        framework.acknowledges(_ -> true);
        Map<String, TaskState> ended = new LinkedHashMap<>();
        for (int i = 0; i < 2; i++) {
            // Offers say not which agent was started first: tasks are where their sandbox is.
            for (Path home : homes) {
                if (!runs(home, name("gap", i, 0)).isEmpty()) {
                    ended.putAll(endInTheGap(home, i));
                }
            }
        }
        List<MasterNode> others = masters.stream().filter(m -> m != leader).toList();
        MasterNode next = MasterNode.awaitLeader(others, 30);
        long leadsNs = System.nanoTime();
        Await.until(
                "both agents are back",
                30,
                () -> next.get("/metrics/snapshot").body().contains("\"master/slaves_active\":2"));
        long backNs = System.nanoTime();
        framework.await("it is subscribed again", 30, () -> framework.subscriptions() == 2);
        long subscribedNs =
                framework.events().stream()
                        .filter(seen -> seen.event().hasSubscribed())
                        .toList()
                        .getLast()
                        .atNs();
        System.out.println(
                "kill -9 of the leader under "
                        + running.size()
                        + " tasks: new leader after "
                        + seconds(killedNs, leadsNs)
                        + " s, framework subscribed after "
                        + seconds(killedNs, subscribedNs)
                        + " s, both agents back after "
                        + seconds(killedNs, backNs)
                        + " s");
        assertThat(seconds(killedNs, leadsNs)).isLessThan(NEW_LEADER_SECONDS);

        framework.await(
                "what ended in the gap is told",
                30,
                () ->
                        ended.entrySet().stream()
                                .allMatch(end ->
                                        framework
                                                .latest(end.getKey())
                                                .filter(s -> s.getState() == end.getValue())
                                                .isPresent()));
        running.removeAll(ended.keySet());
        launchesGoOn(framework, running);
        running.addAll(survivors(framework, hasty));
        reconciliationTellsThatAllRun(framework, running);

        running.forEach(task -> ended.put(task, TaskState.TASK_KILLED));
        for (String task : running) {
            framework.kill(task, framework.latest(task).orElseThrow().getAgentId()).accepted();
        }
        awaitAll(framework, TaskState.TASK_KILLED, running);
        everyUpdateCameInOrderAndIsAcknowledged(framework, ended);
        assertThat(starts())
                .containsExactlyInAnyOrderEntriesOf(
                        ended.keySet().stream().collect(Collectors.toMap(task -> task, _ -> 1)));
        framework.teardown().accepted();
    }

    /** Launches whose master dies before anything was heard of them. */
    private static Set<String> launchHasty(TestScheduler framework) throws Exception {
        Set<String> hasty = new LinkedHashSet<>();
        for (Offer offer : offers(framework, 2)) {
            List<TaskInfo.Builder> tasks = new ArrayList<>();
            for (int i = 0; i < 5; i++) {
                String task = name("hasty", hasty.size() / 5, i);
                tasks.add(TestScheduler.command(task, STARTED + "exec sleep 1000", 0.1, 16));
            }
            tasks.forEach(task -> hasty.add(task.getTaskId().getValue()));
            framework.launch(offer, tasks).accepted();
        }
        return hasty;
    }

    /** Of tasks that were launched in the last moment: those that run. Of the others the master says that it knows them not, and none has begun. */
    private Set<String> survivors(TestScheduler framework, Set<String> hasty) throws Exception {
        framework.reconcile(hasty).accepted();
        framework.await(
                "every launch of the last moment is accounted for",
                30,
                () ->
                        hasty.stream()
                                .allMatch(task ->
                                        framework
                                                .latest(task)
                                                .filter(FailOverTest::isDecided)
                                                .isPresent()));
        Map<Boolean, Set<String>> run =
                hasty.stream()
                        .collect(
                                Collectors.partitioningBy(
                                        task ->
                                                framework.latest(task).orElseThrow().getState()
                                                        == TaskState.TASK_RUNNING,
                                        Collectors.toSet()));
        assertThat(run.get(false)).noneMatch(starts()::containsKey);
        return run.get(true);
    }

    private static boolean isDecided(TaskStatus status) {
        return switch (status.getState()) {
            case TASK_RUNNING, TASK_UNKNOWN, TASK_GONE, TASK_DROPPED -> true;
            default -> false;
        };
    }

    private void launchesGoOn(TestScheduler framework, Set<String> running) throws Exception {
        Offer offer = offers(framework, 2).getFirst();
        Set<String> late =
                IntStream.range(0, 5).mapToObj(i -> "late-" + i).collect(Collectors.toSet());
        framework
                .launch(
                        offer,
                        late.stream()
                                .map(task ->
                                        TestScheduler.command(
                                                task, STARTED + "exec sleep 1000", 0.1, 16))
                                .toList())
                .accepted();
        awaitAll(framework, TaskState.TASK_RUNNING, late);
        running.addAll(late);
    }

    private static void reconciliationTellsThatAllRun(TestScheduler framework, Set<String> running)
            throws Exception {
        int before = framework.events().size();
        framework.reconcile(running).accepted();
        Map<String, TaskState> told = new HashMap<>();
        framework.await(
                "reconciliation answers",
                30,
                () -> {
                    framework.events().stream()
                            .skip(before)
                            .filter(seen -> seen.event().hasUpdate())
                            .map(seen -> seen.event().getUpdate().getStatus())
                            .filter(s -> s.getReason() == TaskStatus.Reason.REASON_RECONCILIATION)
                            .forEach(s -> told.put(s.getTaskId().getValue(), s.getState()));
                    return told.size() == running.size();
                });
        assertThat(told.keySet()).containsExactlyInAnyOrderElementsOf(running);
        assertThat(told.values()).containsOnly(TaskState.TASK_RUNNING);
    }

    private void everyUpdateCameInOrderAndIsAcknowledged(
            TestScheduler framework, Map<String, TaskState> ended) throws Exception {
        Map<String, List<TaskStatus>> updates = framework.updates();
        assertThat(updates.keySet()).containsAll(ended.keySet());
        ended.forEach((task, end) ->
                assertThat(order(updates.get(task)))
                        .as(task)
                        .containsExactly(TaskState.TASK_STARTING, TaskState.TASK_RUNNING, end));
        // An agent forgets a task when its last update is acknowledged, which comes after all
        // others.
        for (AgentProcess agent : agents) {
            Await.until(
                    "all is acknowledged at the agent", 30, () -> unacknowledged(agent).isEmpty());
        }
    }

    @Test
    void aLeaderThatSleptThroughItsSessionDoesNoHarm() throws Exception {
        MasterNode leader = MasterNode.awaitLeader(masters, START_SECONDS);
        startAgents(1);
        TestScheduler framework = subscribe();
        Set<String> running =
                IntStream.range(0, 5).mapToObj(i -> "t-" + i).collect(Collectors.toSet());
        framework
                .launch(
                        offers(framework, 1).getFirst(),
                        running.stream()
                                .map(task ->
                                        TestScheduler.command(
                                                task, STARTED + "exec sleep 1000", 0.1, 16))
                                .toList())
                .accepted();
        awaitAll(framework, TaskState.TASK_RUNNING, running);

        leader.stop();
        // It comes to this when it awakes, before it can know that others have gone on without it.
        CompletableFuture<HttpResponse<String>> write =
                leader.post(
                        "/api/v1",
                        "{\"type\":\"UPDATE_WEIGHTS\",\"update_weights\":{\"weight_infos\":[{\"role\":\"test\",\"weight\":7}]}}");
        List<MasterNode> others = masters.stream().filter(m -> m != leader).toList();
        MasterNode next = MasterNode.awaitLeader(others, 30);
        Await.until(
                "the agent is with the new leader",
                30,
                () -> next.get("/metrics/snapshot").body().contains("\"master/slaves_active\":1"));
        assertThat(framework.subscriptions()).as("the old stream stands still").isEqualTo(1);
        leader.goOn();

        HttpResponse<String> answer = write.get(30, TimeUnit.SECONDS);
        // Refused by ZooKeeper, or not even tried where the end of the session was noticed first.
        assertThat(answer.statusCode()).as(answer.body()).isIn(503, 307);
        assertThat(leader.log()).containsPattern("lead(s|ing) no more");
        Await.until(
                "the old leader sends callers to the new one",
                30,
                () ->
                        leader.get("/redirect")
                                .headers()
                                .firstValue("Location")
                                .filter(("//127.0.0.1:" + next.port())::equals)
                                .isPresent());
        assertThat(leader.post("/api/v1/scheduler", "{}").get(30, TimeUnit.SECONDS).statusCode())
                .isEqualTo(307);
        framework.await("it is subscribed again", 30, () -> framework.subscriptions() == 2);
        reconciliationTellsThatAllRun(framework, running);
        assertThat(starts().values()).hasSize(5).containsOnly(1);
        assertThat(
                        next.post("/api/v1", "{\"type\":\"GET_WEIGHTS\"}")
                                .get(30, TimeUnit.SECONDS)
                                .body())
                .doesNotContain("7.0");
        assertThat(next.get("/metrics/snapshot").body())
                .contains("\"master/slaves_active\":1", "\"master/slaves_unreachable\":0");
        CommandLine.Outcome nodes =
                CommandLine.finish(
                        new ProcessBuilder(
                                        CommandLine.command(
                                                "node", "ls", "--master", zooKeeper.url("/berth")))
                                .start(),
                        new byte[0]);
        assertThat(nodes.code()).as(nodes.err()).isZero();
        assertThat(nodes.out()).contains(offers(framework, 1).getFirst().getAgentId().getValue());
        framework.teardown().accepted();
    }

    private static List<String> unacknowledged(AgentProcess agent) throws IOException {
        List<String> tasks = new ArrayList<>();
        agent.state()
                .path("frameworks")
                .forEach(framework ->
                        framework
                                .path("executors")
                                .forEach(executor ->
                                        executor.path("tasks")
                                                .forEach(task ->
                                                        tasks.add(task.path("id").asText()))));
        return tasks;
    }
}
