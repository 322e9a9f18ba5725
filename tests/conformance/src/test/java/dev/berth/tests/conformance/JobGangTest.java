package dev.berth.tests.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;

import dev.berth.tests.conformance.CommandLine.Outcome;
import dev.berth.tests.kit.AgentProcess;
import dev.berth.tests.kit.Await;
import dev.berth.tests.kit.MasterNode;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** Gangs on two agents with eight simulated GPUs each, and agents that fall silent under them. */
@Tag("conformance")
@Timeout(90)
class JobGangTest {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final double SECONDS = 30;

    /** Notes its process where the test finds it, and begins; the rest is the test's. */
    private static final String NOTE =
            "echo begun > /notes/$RANK.tmp; mv /notes/$RANK.tmp /notes/$RANK; ";

    @TempDir static Path directory;
    private static MasterNode master;
    private static final Map<String, AgentProcess> AGENTS = new TreeMap<>();
    private static CommandLine berth;
    private final List<Process> started = new ArrayList<>();

    @BeforeAll
    static void start() throws Exception {
        master = MasterNode.start(directory.resolve("m"), "--agent-timeout", "2");
        for (String name : List.of("a", "b")) {
            AGENTS.put(
                    name,
                    AgentProcess.start(
                            directory.resolve(name),
                            List.of(),
                            List.of(
                                    "--gpus",
                                    "sim:8xH100",
                                    "--master",
                                    master.url(),
                                    "--master-token-file",
                                    master.tokenFile().toString(),
                                    "--listen",
                                    "127.0.0.1:0",
                                    "--resources",
                                    "cpus:4",
                                    "--attributes",
                                    "node:" + name + ";rack:7")));
        }
        berth = new CommandLine(environment());
        for (AgentProcess agent : AGENTS.values()) {
            Await.until("the agent registers", SECONDS, agent::isRegistered);
        }
    }

    private static Map<String, String> environment() {
        return Map.of(
                "BERTH_MASTER", master.url(), "BERTH_TOKEN_FILE", master.tokenFile().toString());
    }

    @AfterAll
    static void end() {
        AGENTS.values().forEach(AgentProcess::close);
        if (master != null) {
            master.close();
        }
    }

    /** Whatever a test does, no process of it is left, nothing is in use at the master, and no agent's ledger has a GPU of somebody. */
    @AfterEach
    void nothingIsInUse() throws Exception {
        for (AgentProcess agent : AGENTS.values()) {
            agent.goOn();
        }
        for (Process process : started) {
            process.destroy();
            if (!process.waitFor(10, TimeUnit.SECONDS)) {
                process.destroyForcibly().waitFor();
            }
        }
        Await.until(
                "all is free again",
                SECONDS,
                () ->
                        metric("slaves_active") == 2
                                && metric("cpus_used") == 0
                                && metric("gpus_used") == 0);
        for (AgentProcess agent : AGENTS.values()) {
            Await.until(
                    () -> "no GPU of the agent has an owner: " + owners(agent),
                    SECONDS,
                    () -> owners(agent).isEmpty());
        }
    }

    private static double metric(String name) throws Exception {
        return JSON.readTree(master.get("/metrics/snapshot").body())
                .path("master/" + name)
                .asDouble(-1);
    }

    private static List<String> owners(AgentProcess agent) {
        List<String> owned = new ArrayList<>();
        try {
            for (JsonNode gpu : agent.engine().call("GET", "/berth/gpus", null).path("Devices")) {
                if (!gpu.path("State").asText().equals("FREE")) {
                    owned.add(gpu.path("Id").asText() + " " + gpu.path("State").asText());
                }
            }
        } catch (IOException e) {
            owned.add(e.toString());
        }
        return owned;
    }

    private static String[] command(String... words) {
        List<String> command = new ArrayList<>(List.of("job", "run"));
        command.addAll(List.of(words));
        return command.toArray(String[]::new);
    }

    /** A child in the background of a script inherits SIGINT ignored, and a JVM keeps it so. */
    private Process begin(String... words) throws IOException {
        List<String> command = new ArrayList<>(List.of("env", "--default-signal=INT"));
        command.addAll(CommandLine.command(command(words)));
        ProcessBuilder builder = new ProcessBuilder(command);
        builder.environment().putAll(environment());
        Process process = builder.start();
        started.add(process);
        return process;
    }

    private static void signal(String name, long pid) throws Exception {
        new ProcessBuilder("kill", "-" + name, Long.toString(pid)).start().waitFor();
    }

    private static boolean runs(long pid) {
        try {
            return !Files.readString(Path.of("/proc/" + pid + "/stat")).contains(") Z ");
        } catch (IOException _) {
            return false; // no such file, or ESRCH where it ended after the file was opened
        }
    }

    private static List<String> uuids(List<String> lines) {
        return Pattern.compile("UUID: (GPU-[0-9a-f-]+)")
                .matcher(String.join("\n", lines))
                .results()
                .map(found -> found.group(1))
                .toList();
    }

    @Test
    void fourWorkersWithFourGpusEachGoOnTwoNodesAndFindEachOther() throws Exception {
        String script =
                """
                echo "words $MESOS_AGENT_ID $RANK $WORLD_SIZE $LOCAL_RANK $MASTER_ADDR $MASTER_PORT"
                nvidia-smi -L
                ls /dev/nvidia[0-9]* | wc -l
                case $RANK in
                0) busybox nc -l -p $MASTER_PORT ;;
                3) until echo met | busybox nc $MASTER_ADDR $MASTER_PORT; do sleep 0.05; done ;;
                esac
                """;
        Outcome outcome =
                berth.run(command("--workers", "4", "--gpus", "4", "-", "sh", "-c", script));
        assertThat(outcome.code()).as(outcome.out() + outcome.err()).isZero();
        Map<String, Set<String>> gpus = new TreeMap<>();
        Map<String, Integer> workers = new TreeMap<>();
        Set<String> meetings = new HashSet<>();
        for (int rank = 0; rank < 4; rank++) {
            String prefix = "[" + rank + "] ";
            List<String> lines =
                    outcome.out()
                            .lines()
                            .filter(line -> line.startsWith(prefix))
                            .map(line -> line.substring(prefix.length()))
                            .toList();
            assertThat(lines).as(outcome.out() + outcome.err()).isNotEmpty();
            String[] words = lines.getFirst().split(" ");
            assertThat(List.of(words).subList(2, 5)).containsExactly("" + rank, "4", "0");
            meetings.add(words[5] + ":" + words[6]);
            workers.merge(words[1], 1, Integer::sum);
            assertThat(uuids(lines)).hasSize(4);
            assertThat(lines).contains("4");
            gpus.computeIfAbsent(words[1], _ -> new HashSet<>()).addAll(uuids(lines));
            if (rank == 0) {
                assertThat(lines).contains("met");
            }
        }
        assertThat(workers).hasSize(2).allSatisfy((_, count) -> assertThat(count).isEqualTo(2));
        assertThat(gpus).allSatisfy((_, all) -> assertThat(all).hasSize(8));
        assertThat(meetings).hasSize(1);
        String[] meeting = meetings.iterator().next().split(":");
        assertThat(meeting[0]).as("where the first worker's agent is").isEqualTo("127.0.0.1");
        try (ServerSocket free = new ServerSocket(Integer.parseInt(meeting[1]))) {
            assertThat(free.isBound()).as("the port was the job's alone").isTrue();
        }
    }

    @Test
    void gangsThatEachWantAllGetItOneAfterTheOtherBesideOneThatNeverFits() throws Exception {
        Process never = begin("--workers", "5", "--gpus", "4", "-", "true");
        Process first = begin("--workers", "2", "--gpus", "8", "-", "true");
        Process second = begin("--workers", "2", "--gpus", "8", "-", "true");
        assertThat(first.waitFor()).isZero();
        assertThat(second.waitFor()).isZero();
        try (BufferedReader err = never.errorReader(StandardCharsets.UTF_8)) {
            assertThat(err.readLine())
                    .contains("room for 4 of 5 workers", "all together have 16 GPUs");
        }
        signal("TERM", never.pid());
        assertThat(never.waitFor()).isEqualTo(143);
    }

    @Test
    void theFirstFailureEndsTheWorkersOfTheOtherNodeAndGivesTheCode() throws Exception {
        Path notes = Files.createDirectory(directory.resolve("n0"));
        String script =
                """
                if [ $RANK = 1 ]; then
                    until [ -e /notes/ready ]; do sleep 0.05; done
                    exit 4
                fi
                trap 'echo ended; exit 9' TERM
                touch /notes/ready
                while :; do sleep 0.05; done
                """;
        List<String> words = new ArrayList<>(List.of("--workers", "2", "--gpus", "8", "-v"));
        words.addAll(List.of(notes + ":/notes", "--stop-timeout", "20s", "-", "sh", "-c", script));
        Outcome outcome = berth.run(command(words.toArray(String[]::new)));
        assertThat(outcome.code()).as(outcome.err()).isEqualTo(4);
        assertThat(outcome.out()).as(outcome.err()).isEqualTo("[0] ended\n");
        assertThat(outcome.err()).contains("worker 1").contains("exited with status 4");
    }

    /** A job on both nodes whose workers have said where they are: their processes, by the agents' names. */
    private Map<String, Long> beginOnBoth(Path notes, String... words) throws Exception {
        Files.createDirectory(notes);
        List<String> all = new ArrayList<>(List.of("--workers", "2", "--gpus", "8"));
        all.addAll(List.of("-v", notes + ":/notes"));
        all.addAll(List.of(words));
        begin(all.toArray(String[]::new));
        Map<String, Long> pids = new TreeMap<>();
        for (String name : AGENTS.keySet()) {
            Await.until(
                    () -> "a worker is on " + name + ": " + pids,
                    SECONDS,
                    () -> {
                        pidOn(name, notes).ifPresent(pid -> pids.put(name, pid));
                        return pids.containsKey(name);
                    });
        }
        return pids;
    }

    /** The host's number of the worker on an agent that has written its note: the container's own first process. */
    private static Optional<Long> pidOn(String name, Path notes) throws IOException {
        try (Stream<Path> written = Files.list(notes)) {
            if (written.filter(note -> !note.toString().endsWith(".tmp")).count() < 2) {
                return Optional.empty();
            }
        }
        JsonNode running = AGENTS.get(name).engine().call("GET", "/containers/json", null);
        return running.isEmpty()
                ? Optional.empty()
                : Optional.of(
                        AGENTS.get(name)
                                .engine()
                                .inspect(running.get(0).path("Id").asText())
                                .path("State")
                                .path("Pid")
                                .asLong());
    }

    private Process job() {
        return started.getLast();
    }

    private static String rest(Process process) throws IOException {
        return new String(process.getErrorStream().readAllBytes(), StandardCharsets.UTF_8);
    }

    private void awaitEnd(long pid) throws Exception {
        Await.until("process " + pid + " is no more", SECONDS, () -> !runs(pid));
    }

    @Test
    void aWorkerThatIsUnreachableForTooLongFailsTheJobAndDiesWhenItsAgentIsBack() throws Exception {
        Map<String, Long> pids =
                beginOnBoth(
                        directory.resolve("n1"),
                        "--unreachable-timeout",
                        "100ms",
                        "-",
                        "sh",
                        "-c",
                        NOTE + "exec sleep 1000");
        AGENTS.get("b").stop();
        String err = rest(job());
        assertThat(job().waitFor()).as(err).isEqualTo(125);
        assertThat(err)
                .contains("is unreachable: ", "unreachable for too long")
                .contains("not seen to end", "its agent kills it when it is back");
        awaitEnd(pids.get("a"));
        assertThat(runs(pids.get("b"))).isTrue();
        AGENTS.get("b").goOn();
        awaitEnd(pids.get("b"));
    }

    @Test
    void anInterruptDoesNotWaitForAnAgentThatIsAwayAndOneAfterItForNobody() throws Exception {
        String deaf = NOTE + "trap '' TERM; while :; do sleep 0.05; done";
        Map<String, Long> pids =
                beginOnBoth(directory.resolve("n2"), "--stop-timeout", "0", "-", "sh", "-c", deaf);
        AGENTS.get("b").stop();
        try (BufferedReader err = job().errorReader(StandardCharsets.UTF_8)) {
            assertThat(err.readLine()).contains("is unreachable: ", "within 300 s");
            signal("INT", job().pid());
            assertThat(String.join("\n", err.lines().toList()))
                    .contains("ending the job", "unreachable; its agent kills it");
            assertThat(job().waitFor()).isEqualTo(130);
        }
        awaitEnd(pids.get("a"));
        assertThat(runs(pids.get("b"))).isTrue();
        AGENTS.get("b").goOn();
        awaitEnd(pids.get("b"));
        Await.until("both agents are there", SECONDS, () -> metric("slaves_active") == 2);

        pids =
                beginOnBoth(
                        directory.resolve("n3"), "--stop-timeout", "600s", "-", "sh", "-c", deaf);
        signal("INT", job().pid());
        try (BufferedReader err = job().errorReader(StandardCharsets.UTF_8)) {
            assertThat(err.readLine()).contains("ending the job", "600 s");
            signal("INT", job().pid());
            assertThat(String.join("\n", err.lines().toList()))
                    .contains("not seen to end", "worker 0 on", "worker 1 on");
            assertThat(job().waitFor()).isEqualTo(130);
        }
        for (long pid : pids.values()) {
            assertThat(runs(pid)).as("it has its grace period still").isTrue();
            signal("KILL", pid);
        }
    }

    @Test
    void whereAndHowItRunsIsAsItWasAskedFor() throws Exception {
        Path notes = Files.createDirectory(directory.resolve("n4"));
        Files.writeString(notes.resolve("data"), "of the node\n");
        Path variables =
                Files.writeString(directory.resolve("variables"), "# ours\nFROM=file\nBOTH=file\n");
        List<String> words = new ArrayList<>(List.of("--workers", "2", "--constraint", "node!=a"));
        words.addAll(List.of("--constraint", "rack=7", "--constraint", "hostname"));
        words.addAll(List.of("--env-file", variables.toString(), "-e", "BOTH=flag"));
        words.addAll(List.of("--user", "65534", "-v", notes + ":/notes:ro", "-"));
        words.addAll(
                List.of(
                        "sh",
                        "-c",
                        "echo $FROM $BOTH $(id -u) $(cat /notes/data) $(touch /notes/x 2>/dev/null || echo fixed) $MASTER_ADDR $MESOS_AGENT_ID"));
        Outcome outcome = berth.run(command(words.toArray(String[]::new)));
        assertThat(outcome.code()).as(outcome.err()).isZero();
        String agentB =
                berth.run("node", "ls", "--format", "json")
                        .out()
                        .lines()
                        .map(JobGangTest::parse)
                        .map(line -> line.path("agent_info"))
                        .filter(info -> info.path("attributes").toString().contains("\"b\""))
                        .findFirst()
                        .orElseThrow()
                        .at("/id/value")
                        .asText();
        String said = "file flag 65534 of the node fixed 127.0.0.1 " + agentB;
        assertThat(outcome.out().lines()).containsExactlyInAnyOrder("[0] " + said, "[1] " + said);

        Outcome nowhere =
                berth.run(command("--constraint", "node=c", "--wait-timeout", "0", "-", "true"));
        assertThat(nowhere.code()).isEqualTo(125);
        assertThat(nowhere.err()).contains("no agent is as wanted: node=c", "--attributes");
        assertThat(berth.run(command("--timeout", "100ms", "-", "sleep", "1000")).code())
                .isEqualTo(124);
        Outcome detached = berth.run(command("--detach", "-", "true"));
        assertThat(detached.code()).isEqualTo(125);
        assertThat(detached.err()).contains("--detach", "nohup", "systemd-run");
        Outcome again = berth.run("job", "kill", "job");
        assertThat(again.code()).isEqualTo(1);
        assertThat(again.err()).contains("has ended already");
    }

    private static JsonNode parse(String json) {
        try {
            return JSON.readTree(json);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
