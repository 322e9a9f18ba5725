package dev.berth.tests.root.tasks;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;

import dev.berth.linux.Linux;
import dev.berth.protocol.v1.Protos.ExecutorInfo;
import dev.berth.protocol.v1.Protos.Offer;
import dev.berth.protocol.v1.Protos.TaskInfo;
import dev.berth.tests.kit.AgentProcess;
import dev.berth.tests.kit.Await;
import dev.berth.tests.kit.MasterNode;
import dev.berth.tests.kit.TestScheduler;
import dev.berth.tests.root.LeakCheck;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;

/** A master and a scheduler that live, and an agent that dies at the step that a test says. One thread. */
final class CrashSite implements AutoCloseable {
    private static final double SECONDS = 30;
    private static final ObjectMapper JSON = new ObjectMapper();

    final MasterNode master;
    final TestScheduler scheduler;
    final AgentProcess agent;
    private final Path directory;
    private final String cgroup;
    private final HttpClient http = HttpClient.newHttpClient();

    /** The first agent dies as {@code jvmOptions} say. */
    CrashSite(List<String> jvmOptions) throws Exception {
        directory = Files.createTempDirectory("crash");
        cgroup = "berth-taskcrash-" + ProcessHandle.current().pid();
        master = MasterNode.start(directory.resolve("m"), "--allow-anonymous").awaitLeading(20);
        scheduler = TestScheduler.subscribe(master);
        agent =
                AgentProcess.start(
                        directory.resolve("a"),
                        jvmOptions,
                        List.of(
                                "--master",
                                master.url(),
                                "--allow-anonymous",
                                "--listen",
                                "127.0.0.1:0",
                                "--cgroup-parent",
                                cgroup));
    }

    /** Ends the agent, if it lives, and starts the next one, which dies as {@code jvmOptions} say. */
    void next(List<String> jvmOptions) throws Exception {
        agent.kill();
        // Its offers are worth nothing; they must not be taken for the next one's.
        scheduler.await(
                "the master sees the agent go", SECONDS, () -> scheduler.offers().isEmpty());
        agent.restart(jvmOptions);
    }

    private Offer offer() throws Exception {
        return scheduler.awaitOffer(
                "of the agent", SECONDS, o -> TestScheduler.amount(o, "cpus") >= 1);
    }

    void launch(TaskInfo.Builder task) throws Exception {
        scheduler.launch(offer(), List.of(task)).accepted();
    }

    void launchGroup(String executor, TaskInfo.Builder... tasks) throws Exception {
        Offer offer = offer();
        Offer.Operation.Builder operation =
                Offer.Operation.newBuilder().setType(Offer.Operation.Type.LAUNCH_GROUP);
        ExecutorInfo.Builder info = operation.getLaunchGroupBuilder().getExecutorBuilder();
        info.setType(ExecutorInfo.Type.DEFAULT)
                .setFrameworkId(scheduler.id())
                .addResources(TestScheduler.scalar("cpus", 0.1))
                .addResources(TestScheduler.scalar("mem", 32))
                .addResources(TestScheduler.scalar("disk", 1))
                .getExecutorIdBuilder()
                .setValue(executor);
        for (TaskInfo.Builder task : tasks) {
            operation
                    .getLaunchGroupBuilder()
                    .getTaskGroupBuilder()
                    .addTasks(task.setAgentId(offer.getAgentId()));
        }
        scheduler.accept(offer, operation).accepted();
    }

    /** An operator's call, in JSON. */
    JsonNode operator(int port, String call) throws Exception {
        HttpResponse<String> answer =
                http.send(
                        HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + "/api/v1"))
                                .header("Content-Type", "application/json")
                                .header("Accept", "application/json")
                                .POST(HttpRequest.BodyPublishers.ofString(call))
                                .build(),
                        HttpResponse.BodyHandlers.ofString());
        if (answer.statusCode() != 200) {
            throw new IOException(answer.statusCode() + " " + answer.body());
        }
        return answer.body().isBlank() ? JSON.nullNode() : JSON.readTree(answer.body());
    }

    Path executor(String id) {
        return agent.dataRoot()
                .resolve("sandboxes/frameworks")
                .resolve(scheduler.id().getValue())
                .resolve("executors")
                .resolve(id);
    }

    /** The last run of an executor: of a command, its sandbox. */
    Path sandbox(String executor) {
        return executor(executor).resolve("runs/latest");
    }

    /** How often the agents of this place said that a master had taken them, by the id that it gave. */
    List<String> registrations() throws IOException {
        return agent.log()
                .lines()
                .filter(line -> line.contains("registered as "))
                .map(line -> line.replaceAll(".*registered as (\\S+) .*", "$1"))
                .toList();
    }

    /** Nothing waits for an acknowledgement, no container is there, and nothing of one is left. */
    void awaitQuiet() throws Exception {
        Await.until(
                () -> "nothing is pending; the agent says: " + tasks(),
                SECONDS,
                () -> {
                    JsonNode tasks = tasks().path("get_tasks");
                    return tasks.path("launched_tasks").isEmpty()
                            && tasks.path("terminated_tasks").isEmpty()
                            && agent.engine().call("GET", "/containers/json?all=1", "").isEmpty();
                });
        new LeakCheck(
                        Linux.host(),
                        directory.resolve("a"),
                        cgroupDirectory(),
                        ProcessHandle.of(agent.pid())
                                .flatMap(p -> p.children().findFirst())
                                .map(p -> (int) p.pid()),
                        Set.of())
                .awaitNone(CrashSite::ofAContainer);
    }

    private JsonNode tasks() {
        try {
            return operator(agent.port(), "{\"type\":\"GET_TASKS\"}");
        } catch (Exception e) {
            return JSON.getNodeFactory().textNode(e.toString());
        }
    }

    private static boolean ofAContainer(String what) {
        return what.startsWith("cgroup c/")
                || what.startsWith("process ")
                || what.startsWith("children ")
                || what.startsWith("mount of the host")
                || what.startsWith("file exec/c/")
                || what.startsWith("file data/agent/tasks/positions/");
    }

    private Path cgroupDirectory() throws IOException {
        for (String line : Files.readAllLines(Path.of("/proc/self/mountinfo"))) {
            if (line.contains(" - cgroup2 ")) {
                return Path.of(line.split(" ")[4], cgroup);
            }
        }
        throw new AssertionError("no cgroup2 mount");
    }

    Optional<String> leftOver() throws IOException {
        return Files.exists(cgroupDirectory())
                ? Optional.of(cgroupDirectory().toString())
                : Optional.empty();
    }

    /** Ends everything, and takes the files away. */
    @Override
    public void close() throws IOException {
        agent.close();
        scheduler.close();
        master.close();
        http.close();
        try (Stream<Path> files = Files.walk(directory)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(file);
            }
        }
    }
}
