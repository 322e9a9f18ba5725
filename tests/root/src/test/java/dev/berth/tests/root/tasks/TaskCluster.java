package dev.berth.tests.root.tasks;

import dev.berth.containerizer.image.ImageReference;
import dev.berth.containerizer.image.Platform;
import dev.berth.containerizer.image.archive.OciImageWriter;
import dev.berth.containerizer.image.archive.OciImageWriter.Member;
import dev.berth.protocol.v1.Protos.CommandInfo;
import dev.berth.protocol.v1.Protos.ContainerInfo;
import dev.berth.protocol.v1.Protos.ExecutorInfo;
import dev.berth.protocol.v1.Protos.FrameworkInfo;
import dev.berth.protocol.v1.Protos.Image;
import dev.berth.protocol.v1.Protos.KillPolicy;
import dev.berth.protocol.v1.Protos.Offer;
import dev.berth.protocol.v1.Protos.Resource;
import dev.berth.protocol.v1.Protos.TaskID;
import dev.berth.protocol.v1.Protos.TaskInfo;
import dev.berth.protocol.v1.Protos.TaskState;
import dev.berth.protocol.v1.Protos.TaskStatus;
import dev.berth.protocol.v1.scheduler.Protos.Call;
import dev.berth.tests.kit.AgentProcess;
import dev.berth.tests.kit.EngineSocket;
import dev.berth.tests.kit.MasterNode;
import dev.berth.tests.kit.TestScheduler;

import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.ParameterContext;
import org.junit.jupiter.api.extension.ParameterResolver;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;

/** A master, an agent with two simulated GPUs, and a scheduler that is told of kills; one for all tests of a JVM. */
final class TaskCluster implements AutoCloseable {
    /** Busybox, with bob (1000) as another user. */
    static final String IMAGE = "localhost/tasks/busybox:latest";

    private static final Set<TaskState> ENDS =
            EnumSet.of(
                    TaskState.TASK_FINISHED,
                    TaskState.TASK_FAILED,
                    TaskState.TASK_KILLED,
                    TaskState.TASK_ERROR,
                    TaskState.TASK_DROPPED);
    private static final double SECONDS = 20;

    final Path directory;
    final MasterNode master;
    final AgentProcess agent;
    final TestScheduler scheduler;
    private final ServerSocket silent;
    private final AtomicInteger names = new AtomicInteger();

    private TaskCluster() throws Exception {
        directory = Files.createTempDirectory("berth-tasks");
        silent = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
        master = MasterNode.start(directory.resolve("m"), "--allow-anonymous");
        agent =
                AgentProcess.startFor(
                        master.url(),
                        directory.resolve("a"),
                        "--gpus",
                        "sim:4xL40S",
                        "--resources",
                        "cpus:16;mem:8192",
                        "--insecure-registry",
                        silentRegistry());
        load();
        scheduler =
                TestScheduler.subscribe(
                        TestScheduler.FRAMEWORK.toBuilder()
                                .addCapabilities(
                                        FrameworkInfo.Capability.newBuilder()
                                                .setType(
                                                        FrameworkInfo.Capability.Type
                                                                .TASK_KILLING_STATE))
                                .build(),
                        List.of(master.uri()),
                        Optional.empty());
    }

    /** Gives the one cluster to tests that ask for it, and ends it after the last. */
    static final class Shared implements ParameterResolver {
        @Override
        public boolean supportsParameter(ParameterContext parameter, ExtensionContext context) {
            return parameter.getParameter().getType() == TaskCluster.class;
        }

        @Override
        public Object resolveParameter(ParameterContext parameter, ExtensionContext context) {
            return context.getRoot()
                    .getStore(ExtensionContext.Namespace.create(TaskCluster.class))
                    .getOrComputeIfAbsent(
                            TaskCluster.class,
                            _ -> {
                                try {
                                    return new TaskCluster();
                                } catch (Exception e) {
                                    throw new IllegalStateException("no cluster", e);
                                }
                            });
        }
    }

    /** A registry that takes connections and never answers. */
    String silentRegistry() {
        return "127.0.0.1:" + silent.getLocalPort();
    }

    private void load() throws IOException {
        List<Member> members = new ArrayList<>();
        for (String name : List.of("bin", "etc", "proc", "sys", "dev", "root", "home")) {
            members.add(new Member.Directory(name, 0755));
        }
        members.add(new Member.Directory("tmp", 01777));
        members.add(
                new Member.RegularFile(
                        "bin/busybox", 0755, Files.readAllBytes(Path.of("/bin/busybox"))));
        for (String applet :
                List.of(
                        "sh",
                        "cat",
                        "id",
                        "ls",
                        "sleep",
                        "touch",
                        "rm",
                        "test",
                        "grep",
                        "pwd",
                        "ln",
                        "mkdir",
                        "mkfifo",
                        "wc",
                        "nc",
                        "tty",
                        "env",
                        "kill",
                        "hostname")) {
            members.add(new Member.Link("bin/" + applet, "busybox"));
        }
        members.add(
                new Member.RegularFile(
                        "etc/passwd",
                        0644,
                        "root:x:0:0::/root:/bin/sh\nbob:x:1000:1000::/home:/bin/sh\n"
                                .getBytes(StandardCharsets.UTF_8)));
        ByteArrayOutputStream archive = new ByteArrayOutputStream();
        try (EngineSocket socket = new EngineSocket(agent.socket())) {
            new OciImageWriter(Platform.host())
                    .layer(members)
                    .env("PATH=/bin", "FROM=image")
                    .entrypoint("/bin/busybox")
                    .cmd("echo", "said by the image")
                    .workingDir("/home")
                    .writeArchive(archive, Optional.of(ImageReference.parse(IMAGE)));
            socket.send("POST", "/images/load?quiet=1", "application/x-tar", archive.toByteArray());
            String answer = socket.receive();
            if (answer.contains("errorDetail")) {
                throw new IOException("load the image: " + answer);
            }
        } catch (dev.berth.containerizer.image.ImageException e) {
            throw new IOException("make the image", e);
        }
    }

    /** An id that no other test has. */
    String name(String base) {
        return base + "-" + names.incrementAndGet();
    }

    /** A line for the shell, on the host's programs. */
    TaskInfo.Builder shell(String base, String script) {
        return TestScheduler.command(name(base), script, 0.1, 32);
    }

    /** A line for the shell in the image. */
    TaskInfo.Builder inImage(String base, String script) {
        TaskInfo.Builder task = shell(base, script);
        task.setContainer(image(IMAGE));
        return task;
    }

    /** {@code argv}, without a shell, in the image. */
    TaskInfo.Builder exec(String base, String... argv) {
        return inImage(base, "")
                .setCommand(
                        CommandInfo.newBuilder()
                                .setShell(false)
                                .setValue(argv[0])
                                .addAllArguments(List.of(argv)));
    }

    static ContainerInfo image(String name) {
        ContainerInfo.Builder container =
                ContainerInfo.newBuilder().setType(ContainerInfo.Type.MESOS);
        container
                .getMesosBuilder()
                .getImageBuilder()
                .setType(Image.Type.DOCKER)
                .getDockerBuilder()
                .setName(name);
        return container.build();
    }

    static ContainerInfo docker(String name, ContainerInfo.DockerInfo.Network network) {
        return ContainerInfo.newBuilder()
                .setType(ContainerInfo.Type.DOCKER)
                .setDocker(ContainerInfo.DockerInfo.newBuilder().setImage(name).setNetwork(network))
                .build();
    }

    static KillPolicy grace(long millis) {
        KillPolicy.Builder policy = KillPolicy.newBuilder();
        policy.getGracePeriodBuilder().setNanoseconds(millis * 1_000_000);
        return policy.build();
    }

    /** With room for these: a task that has ended gives its resources back in an offer of their own, and GPUs come later. */
    private Offer offer(List<TaskInfo.Builder> tasks) throws Exception {
        Map<String, Double> wanted = new HashMap<>();
        for (TaskInfo.Builder task : tasks) {
            task.getResourcesList().stream()
                    .filter(Resource::hasScalar)
                    .forEach(r -> wanted.merge(r.getName(), r.getScalar().getValue(), Double::sum));
        }
        // An executor of a group takes a little more.
        wanted.merge("cpus", 1.0, Math::max);
        return scheduler.awaitWhole(
                "with " + wanted,
                SECONDS,
                offer ->
                        wanted.entrySet().stream()
                                .allMatch(want ->
                                        TestScheduler.amount(offer, want.getKey())
                                                >= want.getValue()));
    }

    /** Launches on the next offer. */
    TaskInfo.Builder launch(TaskInfo.Builder task) throws Exception {
        scheduler.launch(offer(List.of(task)), List.of(task)).accepted();
        return task;
    }

    /** Launches a group on the next offer. */
    void launchGroup(ExecutorInfo.Builder executor, List<TaskInfo.Builder> tasks) throws Exception {
        Offer offer = offer(tasks);
        Offer.Operation.Builder operation =
                Offer.Operation.newBuilder().setType(Offer.Operation.Type.LAUNCH_GROUP);
        operation.getLaunchGroupBuilder().setExecutor(executor);
        for (TaskInfo.Builder task : tasks) {
            operation
                    .getLaunchGroupBuilder()
                    .getTaskGroupBuilder()
                    .addTasks(task.setAgentId(offer.getAgentId()));
        }
        scheduler.accept(offer, operation).accepted();
    }

    /** What groups run under. */
    ExecutorInfo.Builder executor(String base) {
        ExecutorInfo.Builder executor =
                ExecutorInfo.newBuilder()
                        .setType(ExecutorInfo.Type.DEFAULT)
                        .setFrameworkId(scheduler.id())
                        .addResources(TestScheduler.scalar("cpus", 0.1))
                        .addResources(TestScheduler.scalar("mem", 32))
                        .addResources(TestScheduler.scalar("disk", 16));
        executor.getExecutorIdBuilder().setValue(name(base));
        return executor;
    }

    /** Launches, and waits for its end. */
    TaskStatus run(TaskInfo.Builder task) throws Exception {
        return end(launch(task));
    }

    /** Waits for a task's end. */
    TaskStatus end(TaskInfo.Builder task) throws Exception {
        String id = task.getTaskId().getValue();
        scheduler.await(
                "the end of " + id,
                SECONDS,
                () -> scheduler.latest(id).map(s -> ENDS.contains(s.getState())).orElse(false));
        return scheduler.latest(id).orElseThrow();
    }

    /** Waits until it runs. */
    TaskStatus running(TaskInfo.Builder task) throws Exception {
        return scheduler.awaitState(id(task), SECONDS, TaskState.TASK_RUNNING);
    }

    /** Waits for an update like that. */
    TaskStatus update(TaskInfo.Builder task, String what, Predicate like) throws Exception {
        scheduler.await(
                what + " of " + id(task),
                SECONDS,
                () -> scheduler.updates(id(task)).stream().anyMatch(like::test));
        return scheduler.updates(id(task)).stream().filter(like::test).findFirst().orElseThrow();
    }

    /** Which update is meant. */
    interface Predicate {
        boolean test(TaskStatus status);
    }

    void kill(TaskInfo.Builder task, Optional<KillPolicy> policy) throws Exception {
        Call.Builder call = Call.newBuilder().setType(Call.Type.KILL);
        call.getKillBuilder().setTaskId(TaskID.newBuilder().setValue(id(task)));
        policy.ifPresent(call.getKillBuilder()::setKillPolicy);
        scheduler.call(call).accepted();
    }

    static String id(TaskInfo.Builder task) {
        return task.getTaskId().getValue();
    }

    /** Where the newest run of an executor has its files. */
    Path run(String executor) {
        return agent.dataRoot()
                .resolve("sandboxes/frameworks")
                .resolve(scheduler.id().getValue())
                .resolve("executors")
                .resolve(executor)
                .resolve("runs/latest");
    }

    Path sandbox(TaskInfo.Builder task) {
        return run(id(task));
    }

    String stdout(TaskInfo.Builder task) throws IOException {
        return Files.readString(sandbox(task).resolve("stdout"));
    }

    @Override
    public void close() throws IOException {
        try {
            scheduler.teardown();
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
        scheduler.close();
        agent.close();
        master.close();
        silent.close();
        try (Stream<Path> files = Files.walk(directory)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(file);
            }
        }
    }
}
