package dev.berth.gpu.simulator;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** One state for all: clients, tools and tasks are real processes, and what one does every other sees. */
@Timeout(120)
class SharedStateTest {
    private static final long GIB = 1L << 30;
    private static final long IDLE = 1L << 20;

    @TempDir private Path dir;
    private Native host;

    @BeforeEach
    void start() throws Exception {
        host = new Native(dir.resolve("sim"), "4xL40S");
    }

    @AfterEach
    void stop() {
        host.close();
    }

    private long used(int gpu) throws Exception {
        return Long.parseLong(host.control().state().get("gpu." + gpu + ".used"));
    }

    @Test
    void aTasksPidAndMemoryAreSeenByEveryClient() throws Exception {
        Native.Running task = host.simtask("--memory", "2GiB", "--gpu", "1");
        Native.Running other = host.simtask("--memory", "1GiB", "--gpu", "1");
        List<String> apps = host.client("apps", "1", "16").lines();
        assertTrue(apps.get(0).startsWith("0 2 "), apps.get(0));
        assertTrue(apps.get(0).contains(" " + task.pid() + ":" + 2 * GIB), apps.get(0));
        assertTrue(apps.get(0).contains(" " + other.pid() + ":" + GIB), apps.get(0));
        assertEquals("7 2", host.client("apps", "1", "0").first());
        assertTrue(host.client("apps", "1", "1").first().startsWith("7 2 "));
        assertEquals("0 0", host.client("apps", "0", "16").first());
        assertEquals(3 * GIB + IDLE, used(1));
        assertEquals(IDLE, used(0));
        assertEquals(0, task.stop());
        assertEquals(GIB + IDLE, used(1));
    }

    @Test
    void aKilledTaskGivesItsMemoryBackWithoutAnybodyCleaningUp() throws Exception {
        Native.Running task = host.simtask("--memory", "3GiB", "--gpu", "2");
        assertEquals(3 * GIB + IDLE, used(2));
        task.kill();
        assertEquals(IDLE, used(2));
        assertEquals(List.of(), host.control().processes());
        assertEquals("0 0", host.client("apps", "2", "8").first());
    }

    @Test
    void clientsThatAreKilledAtAnyTimeHarmNobody() throws Exception {
        for (int round = 0; round < 30; round++) {
            Native.Running task = host.simtask("--memory", "1GiB", "--gpu", "all");
            Native.Running client = host.startClient("watch", "100000");
            host.control().xid(round % 4, 13);
            client.kill();
            task.kill();
        }
        assertEquals(IDLE, used(0));
        assertEquals(0, host.client("checks").code());
    }

    @Test
    void aClientThatIsStoppedInTheMiddleOfAChangeDoesNotStopTheOthers() throws Exception {
        Native.Running task = host.simtask("--memory", "1GiB", "--gpu", "0");
        host.startClient("occupy", host.simulator.state().toString());
        assertEquals("0 1 " + task.pid() + ":" + GIB, host.client("apps", "0", "4").first());
        assertEquals(GIB + IDLE, used(0));
    }

    @Test
    void moreMemoryThanThereIsIsRefused() throws Exception {
        host.simtask("--memory", "40GiB", "--gpu", "0");
        Native.Outcome second =
                Native.run(
                        host.simulator.environment(),
                        host.simulator.simtask().toString(),
                        "--memory",
                        "40GiB");
        assertEquals(4, second.code());
        assertTrue(second.lines().toString().contains("out of memory"), second.first());
    }

    @Test
    void computeModeKeepsASecondTaskOut() throws Exception {
        host.control().apply("set 0 compute 3");
        Native.Running first = host.simtask("--memory", "1GiB", "--gpu", "0");
        String program = host.simulator.simtask().toString();
        assertEquals(5, Native.run(host.simulator.environment(), program, "--seconds", "0").code());
        first.kill();
        host.control().apply("set 0 compute 2");
        assertEquals(5, Native.run(host.simulator.environment(), program, "--seconds", "0").code());
        host.control().apply("set 0 compute 0");
        assertEquals(0, Native.run(host.simulator.environment(), program, "--seconds", "0").code());
    }

    @Test
    void aTaskSeesOnlyTheGpusWhoseNodesItMayOpen() throws Exception {
        Path nodes = Files.createDirectory(dir.resolve("dev"));
        assertEquals("9 init", host.client(host.container(nodes), "seen").first());
        Files.createFile(nodes.resolve("nvidiactl"));
        assertEquals(List.of(), host.client(host.container(nodes), "seen").lines());
        // Minor 2 is the fourth board of this machine: indices of a container begin at 0.
        Files.createFile(nodes.resolve("nvidia2"));
        String fourth = host.simulator.machine().gpus().get(3).uuid();
        assertEquals(List.of(fourth), host.client(host.container(nodes), "seen").lines());
        Native.Outcome task =
                Native.run(
                        host.container(nodes),
                        host.simulator.simtask().toString(),
                        "--gpu",
                        "0",
                        "--seconds",
                        "0");
        assertEquals(0, task.code());
        assertTrue(task.first().contains(fourth), task.first());
        Native.Outcome none =
                Native.run(
                        host.container(nodes), host.simulator.simtask().toString(), "--gpu", "1");
        assertEquals(3, none.code());
        Files.createSymbolicLink(nodes.resolve("nvidia0"), Path.of("/proc/1/mem/none"));
        assertEquals(List.of(fourth), host.client(host.container(nodes), "seen").lines());
    }

    @Test
    void theLibraryFindsTheStateBesideItself() throws Exception {
        Map<String, String> environment = new HashMap<>(host.simulator.environment());
        environment.put("BERTH_SIMULATOR_STATE", "");
        assertEquals(4, host.client(environment, "seen").lines().size());
        Native.Outcome smi =
                Native.run(
                        environment,
                        host.simulator.hostRoot().resolve("usr/bin/nvidia-smi").toString(),
                        "-L");
        assertEquals(4, smi.lines().size());
    }

    @Test
    void whoHasAGpuAttachedIsNotResetUnderItsFeet() throws Exception {
        Native.Running client = host.startClient("hold");
        assertEquals("1", host.control().state().get("gpu.0.attached"));
        Native.Outcome refused = host.smi("--gpu-reset", "-i", "0");
        assertEquals(Native.root() ? 19 : 4, refused.code());
        client.process().getOutputStream().close();
        assertEquals(0, client.process().waitFor());
        assertEquals("0", host.control().state().get("gpu.0.attached"));
        assertEquals(Native.root() ? 0 : 4, host.smi("--gpu-reset", "-i", "0").code());
    }

    @Test
    void aFileThatIsNoStateIsRefused() throws Exception {
        Path file = Files.writeString(dir.resolve("other.state"), "not a state");
        Map<String, String> environment = new HashMap<>(host.simulator.environment());
        environment.put("BERTH_SIMULATOR_STATE", file.toString());
        assertEquals("9 init", host.client(environment, "seen").first());
    }
}
