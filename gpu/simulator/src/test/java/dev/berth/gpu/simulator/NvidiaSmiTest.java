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
import java.util.List;

/** The simulator's nvidia-smi, in the real one's words. */
@Timeout(120)
class NvidiaSmiTest {
    @TempDir private Path dir;
    private Native host;

    @BeforeEach
    void start() throws Exception {
        host = new Native(dir.resolve("sim"), "8xA100");
    }

    @AfterEach
    void stop() {
        host.close();
    }

    @Test
    void itListsTheGpus() throws Exception {
        assertEquals(
                "GPU 2: NVIDIA A100-SXM4-80GB (UUID: GPU-5101a7ed-0a10-4000-8000-000000000003)",
                host.smi("-L").lines().get(2));
        assertEquals(
                "GPU 7: NVIDIA A100-SXM4-80GB (UUID: GPU-5101a7ed-0a10-4000-8000-000000000008)",
                host.smi("-i", "0000:BD:00.0", "-L").first());
        assertEquals(6, host.smi("-i", "8", "-L").code());
    }

    @Test
    void itAnswersQueriesInCsv() throws Exception {
        Native.Running task = host.simtask("--memory", "1GiB", "--gpu", "1");
        assertEquals(
                List.of(
                        "index, name, memory.used [MiB], utilization.gpu [%], pci.bus_id, mig.mode.current",
                        "1, NVIDIA A100-SXM4-80GB, 1025 MiB, 95 %, 00000000:0F:00.0, Disabled"),
                host.smi(
                                "-i",
                                "1",
                                "--query-gpu=index,name,memory.used,utilization.gpu,pci.bus_id,mig.mode.current",
                                "--format=csv")
                        .lines());
        assertEquals(
                List.of(task.pid() + ", 1024"),
                host.smi("--query-compute-apps=pid,used_memory", "--format=csv,noheader,nounits")
                        .lines());
        Native.Outcome unknown = host.smi("--query-gpu=index,colour", "--format=csv");
        assertEquals(2, unknown.code());
        assertTrue(unknown.first().contains("\"colour\" is not a valid field"));
        assertEquals(2, host.smi("--query-gpu=index", "--format=xml").code());
        assertEquals(2, host.smi("--explode").code());
    }

    @Test
    void itPrintsTablesOfOneWidth() throws Exception {
        host.simtask("--memory", "1GiB", "--gpu", "0");
        Native.Outcome table = host.smi();
        assertEquals(0, table.code());
        List<String> boxed =
                table.lines().stream().filter(l -> l.startsWith("|") || l.startsWith("+")).toList();
        assertTrue(boxed.size() > 40);
        boxed.forEach(line -> assertEquals(91, line.length(), line));
        Native.Outcome matrix = host.smi("topo", "-m");
        assertTrue(matrix.lines().get(1).startsWith("GPU0\t X \tNV12\t"), matrix.lines().get(1));
    }

    @Test
    void withoutADriverItSaysSo() throws Exception {
        Path nodes = Files.createDirectory(dir.resolve("dev"));
        Native.Outcome none =
                Native.run(
                        host.container(nodes),
                        host.simulator.hostRoot().resolve("usr/bin/nvidia-smi").toString());
        assertEquals(9, none.code());
        assertTrue(none.first().contains("couldn't communicate with the NVIDIA driver"));
    }
}
