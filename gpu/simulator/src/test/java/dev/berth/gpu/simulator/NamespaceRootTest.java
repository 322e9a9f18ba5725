package dev.berth.gpu.simulator;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Clients in other pid namespaces, and real device nodes: what the kernel makes of both. */
@Tag("root")
@Timeout(120)
class NamespaceRootTest {
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

    private List<String> inside(String script) throws Exception {
        return Native.run(
                        host.simulator.environment(),
                        "unshare",
                        "--pid",
                        "--fork",
                        "--kill-child",
                        "sh",
                        "-c",
                        script)
                .lines();
    }

    private String client(String arguments) throws Exception {
        return Native.built("client") + " " + host.simulator.library() + " " + arguments;
    }

    @Test
    void theHostSeesTheHostsPidOfATaskInAPidNamespace() throws Exception {
        host.start(
                "GPU",
                "unshare",
                "--pid",
                "--fork",
                "--kill-child",
                host.simulator.simtask().toString(),
                "--memory",
                "1GiB",
                "--gpu",
                "2");
        List<SimulatorControl.Use> uses = host.control().processes();
        assertEquals(1, uses.size(), uses.toString());
        int pid = uses.get(0).pid();
        String status = Files.readString(Path.of("/proc/" + pid + "/status"));
        assertTrue(status.lines().anyMatch(line -> line.equals("NSpid:\t" + pid + "\t1")), status);
        assertEquals("0 1 " + pid + ":1073741824", host.client("apps", "2", "4").first());
    }

    @Test
    void aTaskSeesItsOwnProcessesByItsOwnPidsAndNobodyElses() throws Exception {
        host.simtask("--memory", "2GiB", "--gpu", "2");
        List<String> seen =
                inside(
                        host.simulator.simtask()
                                + " --quiet --memory 1GiB --gpu 2 & task=$!; n=0; until "
                                + client("apps 2 4")
                                + " | grep -q '^0 1 ' || [ $n = 500 ]; do n=$((n + 1)); done; echo $task; "
                                + client("apps 2 4")
                                + "; "
                                + host.simulator.hostRoot().resolve("usr/bin/nvidia-smi")
                                + " -i 2 --query-gpu=memory.used --format=csv,noheader; kill $task; wait $task");
        assertEquals("2", seen.get(0), seen.toString());
        assertEquals("0 1 2:1073741824", seen.get(1));
        assertEquals("3073 MiB", seen.get(2), "memory is the board's, whoever has it");
    }

    @Test
    void aTaskThatIsKilledWithItsNamespaceIsGone() throws Exception {
        Native.Running unshare =
                host.start(
                        "GPU",
                        "unshare",
                        "--pid",
                        "--fork",
                        "--kill-child",
                        host.simulator.simtask().toString(),
                        "--gpu",
                        "0");
        int pid = host.control().processes().get(0).pid();
        ProcessHandle task = ProcessHandle.of(pid).orElseThrow();
        unshare.kill();
        task.onExit().join();
        assertEquals(List.of(), host.control().processes());
    }

    @Test
    void realNodesOfTheDriverThatIsNotThereCountAsGranted() throws Exception {
        Path nodes = host.simulator.hostRoot().resolve("dev");
        assertTrue(Files.exists(nodes.resolve("nvidia3")), "made by root");
        assertEquals(4, host.client(host.container(nodes), "seen").lines().size());
        Files.delete(nodes.resolve("nvidia1"));
        List<String> seen = host.client(host.container(nodes), "seen").lines();
        // Minor 1 is the first board of this machine.
        assertEquals(
                host.simulator.machine().gpus().stream().skip(1).map(Machine.Board::uuid).toList(),
                seen);
    }

    @Test
    void aClientWithAReadOnlyStateStillAnswers() throws Exception {
        Path ro = Files.createDirectory(dir.resolve("ro"));
        Path file = Files.createFile(ro.resolve("state"));
        Map<String, String> environment = new HashMap<>(host.simulator.environment());
        host.simtask("--memory", "1GiB", "--gpu", "1");
        String script =
                "mount --bind %s %s && mount -o remount,bind,ro %s && BERTH_SIMULATOR_STATE=%s %s; BERTH_SIMULATOR_STATE=%s %s --seconds 0"
                        .formatted(
                                host.simulator.state(),
                                file,
                                file,
                                file,
                                client("apps 1 4"),
                                file,
                                host.simulator.simtask());
        Native.Outcome inside = Native.run(environment, "unshare", "--mount", "sh", "-c", script);
        assertTrue(inside.first().matches("0 1 \\d+:1073741824"), inside.lines().toString());
        assertTrue(
                inside.lines().get(1).endsWith("Read-only file system"), inside.lines().toString());
        assertEquals(6, inside.code());
    }
}
