package dev.berth.tests.root.tasks;

import static org.assertj.core.api.Assertions.assertThat;

import dev.berth.protocol.v1.Protos.CapabilityInfo;
import dev.berth.protocol.v1.Protos.CommandInfo;
import dev.berth.protocol.v1.Protos.ContainerInfo;
import dev.berth.protocol.v1.Protos.Environment;
import dev.berth.protocol.v1.Protos.Image;
import dev.berth.protocol.v1.Protos.RLimitInfo;
import dev.berth.protocol.v1.Protos.TaskInfo;
import dev.berth.protocol.v1.Protos.TaskState;
import dev.berth.protocol.v1.Protos.TaskStatus;
import dev.berth.protocol.v1.Protos.TaskStatus.Reason;
import dev.berth.protocol.v1.Protos.Volume;

import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.Stream;

/** Images, commands, volumes and what else a task may ask of its container; and what is refused by name. */
@Tag("root")
@Timeout(60)
@ExtendWith(TaskCluster.Shared.class)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class TaskContainerTest {
    private TaskCluster cluster;

    @BeforeAll
    void begin(TaskCluster shared) {
        cluster = shared;
    }

    /** Runs it well, and returns what it said. */
    private String said(TaskInfo.Builder task) throws Exception {
        TaskStatus end = cluster.run(task);
        assertThat(end.getState())
                .as(end + " " + cluster.agent.log())
                .isEqualTo(TaskState.TASK_FINISHED);
        return cluster.stdout(task);
    }

    private static void variable(TaskInfo.Builder task, String name, String value) {
        task.getCommandBuilder()
                .getEnvironmentBuilder()
                .addVariables(
                        Environment.Variable.newBuilder()
                                .setName(name)
                                .setType(Environment.Variable.Type.VALUE)
                                .setValue(value));
    }

    @Test
    void aShellInAnImage() throws Exception {
        TaskInfo.Builder task =
                cluster.inImage(
                        "shell", "pwd; echo $FROM $MINE $MESOS_TASK_ID; id -u; echo err >&2");
        variable(task, "MINE", "own words");
        String id = TaskCluster.id(task);
        assertThat(said(task)).isEqualTo("/mnt/mesos/sandbox\nimage own words " + id + "\n0\n");
        assertThat(cluster.sandbox(task).resolve("stderr")).hasContent("err\n");
    }

    @Test
    void wordsWithoutAShellComeAsTheyAre() throws Exception {
        assertThat(said(cluster.exec("argv", "/bin/busybox", "busybox", "echo", "$HOME", "a  b")))
                .isEqualTo("$HOME a  b\n");
    }

    @Test
    void theImagesOwnCommandRunsWhenNoneIsNamed() throws Exception {
        TaskInfo.Builder task = cluster.inImage("own", "");
        task.setCommand(CommandInfo.newBuilder().setShell(false));
        assertThat(said(task)).isEqualTo("said by the image\n");
        TaskInfo.Builder words = cluster.inImage("words", "");
        words.setCommand(
                CommandInfo.newBuilder().setShell(false).addArguments("echo").addArguments("mine"));
        assertThat(said(words)).isEqualTo("mine\n");
    }

    @Test
    void asAnotherUserTheSandboxIsItsOwn() throws Exception {
        TaskInfo.Builder task = cluster.inImage("bob", "id -u; echo x > mine && cat mine");
        task.getCommandBuilder().setUser("bob");
        assertThat(said(task)).isEqualTo("1000\nx\n");
        TaskInfo.Builder nobody = cluster.inImage("stranger", "true");
        nobody.getCommandBuilder().setUser("stranger");
        TaskStatus end = cluster.run(nobody);
        assertThat(end.getState()).isEqualTo(TaskState.TASK_FAILED);
        assertThat(end.getReason()).isEqualTo(Reason.REASON_CONTAINER_LAUNCH_FAILED);
        assertThat(end.getMessage()).contains("stranger");
    }

    @Test
    void asAnotherUserAVolumeOfTheSandboxIsItsOwn() throws Exception {
        TaskInfo.Builder task =
                cluster.inImage("bob", "cd /data && echo y > mine && cat mine && ls -d ../etc");
        task.getCommandBuilder().setUser("bob");
        task.getContainerBuilder()
                .addVolumesBuilder()
                .setMode(Volume.Mode.RW)
                .setContainerPath("/data")
                .getSourceBuilder()
                .setType(Volume.Source.Type.SANDBOX_PATH)
                .getSandboxPathBuilder()
                .setType(Volume.Source.SandboxPath.Type.SELF)
                .setPath("deep/data");
        assertThat(said(task)).isEqualTo("y\n../etc\n");
    }

    @Test
    void dockersContainersRunWithTheHostsNetworkOrNone() throws Exception {
        String interfaces = "cat /proc/net/dev | grep -c :";
        long hosts;
        try (Stream<String> lines = Files.lines(Path.of("/proc/net/dev"))) {
            hosts = lines.filter(line -> line.indexOf(':') > 0).count();
        }
        TaskInfo.Builder host = cluster.shell("docker-host", interfaces + "; pwd");
        host.setContainer(
                TaskCluster.docker(TaskCluster.IMAGE, ContainerInfo.DockerInfo.Network.HOST));
        assertThat(said(host)).isEqualTo(hosts + "\n/home\n");
        TaskStatus running =
                cluster.update(host, "running", s -> s.getState() == TaskState.TASK_RUNNING);
        assertThat(running.getContainerStatus().getNetworkInfos(0).getIpAddresses(0).getIpAddress())
                .isEqualTo("127.0.0.1");
        assertThat(running.getContainerStatus().getContainerId().getValue()).hasSize(64);
        assertThat(running.getExecutorId().getValue()).isEqualTo(TaskCluster.id(host));

        TaskInfo.Builder none = cluster.shell("docker-none", interfaces);
        none.setContainer(
                TaskCluster.docker(TaskCluster.IMAGE, ContainerInfo.DockerInfo.Network.NONE));
        assertThat(said(none)).isEqualTo("1\n");
        TaskStatus alone =
                cluster.update(none, "running", s -> s.getState() == TaskState.TASK_RUNNING);
        assertThat(alone.getContainerStatus().getNetworkInfosCount()).isZero();

        TaskInfo.Builder entry = cluster.shell("docker-entry", "");
        entry.setContainer(
                TaskCluster.docker(TaskCluster.IMAGE, ContainerInfo.DockerInfo.Network.HOST));
        entry.setCommand(
                CommandInfo.newBuilder().setShell(false).setValue("echo").addArguments("entered"));
        assertThat(said(entry)).isEqualTo("entered\n");
    }

    @Test
    void anImageThatCannotBeHadIsAFailureThatNamesIt() throws Exception {
        int nobody;
        try (java.net.ServerSocket free =
                new java.net.ServerSocket(0, 1, java.net.InetAddress.getLoopbackAddress())) {
            nobody = free.getLocalPort();
        }
        String name = "127.0.0.1:" + nobody + "/no/such:1";
        TaskInfo.Builder task = cluster.shell("no-image", "true");
        task.setContainer(TaskCluster.image(name));
        TaskStatus end = cluster.run(task);
        assertThat(end.getState()).isEqualTo(TaskState.TASK_FAILED);
        assertThat(end.getReason()).isEqualTo(Reason.REASON_CONTAINER_LAUNCH_FAILED);
        assertThat(end.getMessage()).contains(name);
        TaskInfo.Builder malformed = cluster.shell("malformed", "true");
        malformed.setContainer(TaskCluster.image("NOT AN IMAGE"));
        assertThat(cluster.run(malformed).getMessage()).contains("NOT AN IMAGE");
    }

    private static Volume.Builder volume(TaskInfo.Builder task, String inside, Volume.Mode mode) {
        return task.getContainerBuilder()
                .setType(ContainerInfo.Type.MESOS)
                .addVolumesBuilder()
                .setContainerPath(inside)
                .setMode(mode);
    }

    @Test
    void directoriesOfTheHostAndOfTheSandbox() throws Exception {
        Path host = Files.createDirectories(cluster.directory.resolve("volume"));
        Files.writeString(host.resolve("file"), "of the host\n");
        TaskInfo.Builder task =
                cluster.inImage(
                        "volumes",
                        "cat /data/file; echo x > /data/new; echo x > /ro/new || echo kept; cat inside/file;"
                                + " echo y > /own/y; cat mine/y");
        volume(task, "/data", Volume.Mode.RW).setHostPath(host.toString());
        volume(task, "/ro", Volume.Mode.RO)
                .getSourceBuilder()
                .setType(Volume.Source.Type.HOST_PATH)
                .getHostPathBuilder()
                .setPath(host.toString());
        volume(task, "inside", Volume.Mode.RO).setHostPath(host.toString());
        volume(task, "/own", Volume.Mode.RW)
                .getSourceBuilder()
                .setType(Volume.Source.Type.SANDBOX_PATH)
                .getSandboxPathBuilder()
                .setType(Volume.Source.SandboxPath.Type.SELF)
                .setPath("mine");
        assertThat(said(task)).isEqualTo("of the host\nkept\nof the host\ny\n");
        assertThat(host.resolve("new")).hasContent("x\n");

        TaskInfo.Builder missing = cluster.inImage("missing-volume", "true");
        volume(missing, "/data", Volume.Mode.RW).setHostPath(host.resolve("not-there").toString());
        TaskStatus end = cluster.run(missing);
        assertThat(end.getState()).isEqualTo(TaskState.TASK_FAILED);
        assertThat(end.getMessage()).contains("not-there");
    }

    @Test
    void capabilitiesAndResourceLimits() throws Exception {
        TaskInfo.Builder task =
                cluster.inImage("limits", "grep CapEff /proc/self/status; ulimit -n; ulimit -c");
        task.getContainerBuilder()
                .getLinuxInfoBuilder()
                .getEffectiveCapabilitiesBuilder()
                .addCapabilities(CapabilityInfo.Capability.CHOWN)
                .addCapabilities(CapabilityInfo.Capability.NET_RAW);
        task.getContainerBuilder()
                .getRlimitInfoBuilder()
                .addRlimits(
                        RLimitInfo.RLimit.newBuilder()
                                .setType(RLimitInfo.RLimit.Type.RLMT_NOFILE)
                                .setSoft(77)
                                .setHard(88))
                .addRlimits(
                        RLimitInfo.RLimit.newBuilder()
                                .setType(RLimitInfo.RLimit.Type.RLMT_CORE)
                                .setSoft(0)
                                .setHard(0));
        assertThat(said(task)).isEqualTo("CapEff:\t0000000000002001\n77\n0\n");
    }

    @Test
    void aTerminal() throws Exception {
        TaskInfo.Builder task = cluster.inImage("terminal", "tty");
        task.getContainerBuilder()
                .getTtyInfoBuilder()
                .getWindowSizeBuilder()
                .setRows(24)
                .setColumns(80);
        assertThat(said(task)).startsWith("/dev/");
    }

    /**
     * One thing that there is not.
     *
     * @param named what the message must say
     */
    private record Refused(String named, Consumer<TaskInfo.Builder> change) {
        @Override
        public String toString() {
            return named;
        }
    }

    private static Refused docker(String named, Consumer<ContainerInfo.DockerInfo.Builder> change) {
        return new Refused(
                named,
                task -> {
                    task.setContainer(
                            TaskCluster.docker(
                                    TaskCluster.IMAGE, ContainerInfo.DockerInfo.Network.HOST));
                    change.accept(task.getContainerBuilder().getDockerBuilder());
                });
    }

    private static Refused source(Volume.Source.Type type) {
        return new Refused(
                type.name(),
                task -> volume(task, "/x", Volume.Mode.RW).getSourceBuilder().setType(type));
    }

    private static List<Refused> refused() {
        return List.of(
                new Refused(
                        "command.uris",
                        t -> t.getCommandBuilder().addUrisBuilder().setValue("http://127.0.0.1/x")),
                new Refused(
                        "network_infos",
                        t -> t.getContainerBuilder().addNetworkInfosBuilder().setName("weave")),
                new Refused(
                        "APPC",
                        t ->
                                t.getContainerBuilder()
                                        .getMesosBuilder()
                                        .getImageBuilder()
                                        .clearDocker()
                                        .setType(Image.Type.APPC)
                                        .getAppcBuilder()
                                        .setName("x")),
                new Refused(
                        "seccomp.profile_name",
                        t ->
                                t.getContainerBuilder()
                                        .getLinuxInfoBuilder()
                                        .getSeccompBuilder()
                                        .setProfileName("own")),
                new Refused(
                        "SECRET",
                        t ->
                                t.getCommandBuilder()
                                        .getEnvironmentBuilder()
                                        .addVariablesBuilder()
                                        .setName("PASSWORD")
                                        .setType(Environment.Variable.Type.SECRET)),
                docker(
                        "docker.network BRIDGE",
                        d -> d.setNetwork(ContainerInfo.DockerInfo.Network.BRIDGE)),
                docker("cap-add", d -> d.addParametersBuilder().setKey("cap-add").setValue("ALL")),
                docker(
                        "docker.port_mappings",
                        d -> d.addPortMappingsBuilder().setHostPort(1).setContainerPort(1)),
                source(Volume.Source.Type.SECRET),
                source(Volume.Source.Type.CSI_VOLUME),
                source(Volume.Source.Type.DOCKER_VOLUME),
                new Refused(
                        "leads out of the sandbox",
                        t -> volume(t, "../../out", Volume.Mode.RW).setHostPath("/usr/share")),
                new Refused(
                        "the agent's own files",
                        t -> volume(t, "/x", Volume.Mode.RW).setHostPath("/")),
                new Refused(
                        "PARENT",
                        t ->
                                volume(t, "/x", Volume.Mode.RW)
                                        .getSourceBuilder()
                                        .setType(Volume.Source.Type.SANDBOX_PATH)
                                        .getSandboxPathBuilder()
                                        .setType(Volume.Source.SandboxPath.Type.PARENT)
                                        .setPath("x")),
                new Refused(
                        "RLMT_CPU",
                        t ->
                                t.getContainerBuilder()
                                        .getRlimitInfoBuilder()
                                        .addRlimitsBuilder()
                                        .setType(RLimitInfo.RLimit.Type.RLMT_CPU)
                                        .setSoft(1)),
                new Refused(
                        "beyond bounding_capabilities",
                        t ->
                                t.getContainerBuilder()
                                        .getLinuxInfoBuilder()
                                        .setBoundingCapabilities(
                                                CapabilityInfo.getDefaultInstance())
                                        .getEffectiveCapabilitiesBuilder()
                                        .addCapabilities(CapabilityInfo.Capability.CHOWN)));
    }

    @ParameterizedTest
    @MethodSource
    void refused(Refused what) throws Exception {
        TaskInfo.Builder task = cluster.inImage("refused", "true");
        what.change().accept(task);
        TaskStatus end = cluster.run(task);
        assertThat(end.getState()).as(end.toString()).isEqualTo(TaskState.TASK_ERROR);
        assertThat(end.getReason()).isEqualTo(Reason.REASON_TASK_INVALID);
        assertThat(end.getMessage()).contains(what.named());
    }
}
