package dev.berth.gpu.simulator;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** Every fault, as clients see it. */
@Timeout(120)
class FaultTest {
    private static final String MEMORY = "nvmlDeviceGetMemoryInfo_v2";

    @TempDir private Path dir;
    private Native host;

    @BeforeEach
    void start() throws Exception {
        host = new Native(dir.resolve("sim"), "8xH100");
    }

    @AfterEach
    void stop() {
        host.close();
    }

    private int code(String function, int gpu) throws Exception {
        return Integer.parseInt(
                host.client("call", function, Integer.toString(gpu)).first().split(" ")[0]);
    }

    private long milliseconds(String function, int gpu) throws Exception {
        return Long.parseLong(
                host.client("call", function, Integer.toString(gpu)).first().split(" ")[1]);
    }

    private String field(int gpu, String name) throws Exception {
        return host.smi("-i", "" + gpu, "--query-gpu=" + name, "--format=csv,noheader,nounits")
                .first();
    }

    @Test
    void anXidIsAnEventAndALineOfTheKernelLog() throws Exception {
        Path kmsg = host.simulator.hostRoot().resolve("dev/kmsg");
        // For reading and writing, as an agent opens it: no end of file while nobody writes.
        try (RandomAccessFile log = new RandomAccessFile(kmsg.toFile(), "rw")) {
            Native.Running watcher = host.startClient("watch", "100000");
            host.control().xid(3, 79);
            assertEquals("event 3 8 79", watcher.line());
            host.control().xid(1, 31, 4711);
            assertEquals("event 1 8 31", watcher.line());
            byte[] bytes = new byte[4096];
            String text = new String(bytes, 0, log.read(bytes), StandardCharsets.UTF_8);
            List<String> lines = text.lines().toList();
            assertEquals(2, lines.size(), text);
            assertTrue(lines.get(0).matches("3,0,\\d+,-;NVRM: Xid \\(PCI:0000:61:00\\): 79, .*"));
            assertTrue(
                    lines.get(1)
                            .matches(
                                    "3,1,\\d+,-;NVRM: Xid \\(PCI:0000:43:00\\): 31, pid=4711, name=.*"));
        }
    }

    @Test
    void aStormComesAtItsRateAndWhole() throws Exception {
        Native.Running watcher = host.startClient("watch", "2000");
        long before = System.nanoTime();
        host.control().storm(0, 31, 5000, Duration.ofMillis(400));
        assertTrue(System.nanoTime() - before > 380_000_000L);
        int seen = 0;
        for (String line = watcher.line(); !line.startsWith("end"); line = watcher.line()) {
            assertEquals("event 0 8 31", line);
            seen++;
        }
        assertEquals(2000, seen);
    }

    @Test
    void aClientThatSleptThroughAStormLosesTheOldestOnly() throws Exception {
        assertEquals("0", host.control().state().get("events"));
        Native.Running watcher = host.startClient("watch", "2000");
        watcher.process().toHandle();
        Native.run(java.util.Map.of(), "kill", "-STOP", "" + watcher.pid());
        host.control().storm(0, 31, 100_000, Duration.ofMillis(200));
        Native.run(java.util.Map.of(), "kill", "-CONT", "" + watcher.pid());
        int seen = 0;
        while (!watcher.line().startsWith("end")) {
            seen++;
        }
        assertTrue(seen > 8000 && seen <= 8192 + 1, seen + " events");
    }

    @Test
    void eccErrorsAreCountedAndTold() throws Exception {
        Native.Running watcher = host.startClient("watch", "100000");
        host.control().ecc(2, true, 3);
        assertEquals("event 2 2 3", watcher.line());
        assertEquals("event 2 8 48", watcher.line());
        host.control().ecc(2, false, 5);
        assertEquals("event 2 1 5", watcher.line());
        assertEquals("3", field(2, "ecc.errors.uncorrected.volatile.total"));
        assertEquals("5", field(2, "ecc.errors.corrected.aggregate.total"));
        assertEquals("0", field(1, "ecc.errors.uncorrected.volatile.total"));
    }

    @Test
    void rowsThatWaitOrFailAreToldAndAResetRemapsThem() throws Exception {
        Native.Running watcher = host.startClient("watch", "100000");
        host.control().remap(4, false);
        assertEquals("event 4 1024 0", watcher.line());
        assertEquals("event 4 8 63", watcher.line());
        assertEquals("1", field(4, "remapped_rows.pending"));
        host.control().remap(4, true);
        assertEquals("event 4 2048 0", watcher.line());
        assertEquals("event 4 8 64", watcher.line());
        watcher.kill();
        host.control().apply("reset 4");
        assertEquals("0", field(4, "remapped_rows.pending"));
        assertEquals("1", field(4, "remapped_rows.uncorrectable"));
        assertEquals("1", field(4, "remapped_rows.failure"), "a failed remap is for ever");
    }

    @Test
    void theSramThresholdAndTheRecoveryActionAreToldAndCleared() throws Exception {
        Native.Running watcher = host.startClient("watch", "100000");
        host.control().sramThreshold(5, true);
        assertEquals("1", host.control().state().get("gpu.5.threshold"));
        host.control().recoveryAction(5, 1);
        assertEquals("event 5 32768 1", watcher.line());
        assertEquals("event 5 8 154", watcher.line());
        assertEquals("Reset", field(5, "gpu_recovery_action"));
        watcher.kill();
        host.control().apply("reset 5");
        assertEquals("None", field(5, "gpu_recovery_action"));
        assertEquals("1", host.control().state().get("gpu.5.threshold"));
    }

    @Test
    void aLostGpuFailsEveryCallAndResetsDoNotBringItBack() throws Exception {
        host.control().lost(6, true);
        assertEquals(15, code(MEMORY, 6));
        assertEquals(15, code("nvmlDeviceGetMinorNumber", 6));
        assertEquals(0, code(MEMORY, 5));
        assertThrows(SimulatorException.class, () -> host.control().apply("reset 6"));
        Native.Outcome all = host.smi("-L");
        assertEquals(15, all.code());
        assertEquals(8, all.lines().size());
        host.control().lost(6, false);
        assertEquals(0, code(MEMORY, 6));
    }

    @Test
    void aGpuThatNeedsAResetStillSaysWhatItIs() throws Exception {
        host.control().resetRequired(1, true);
        assertEquals(16, code(MEMORY, 1));
        assertEquals(0, code("nvmlDeviceGetMinorNumber", 1));
        host.control().apply("reset 1");
        assertEquals(0, code(MEMORY, 1));
    }

    @Test
    void oneFunctionFailsOnItsNthCall() throws Exception {
        int fault = host.control().arm(Fault.code(999).in(MEMORY).on(2).calls(2, 1));
        assertEquals(0, code(MEMORY, 2));
        assertEquals(999, code(MEMORY, 2));
        assertEquals(0, code(MEMORY, 2));
        assertEquals(0, code(MEMORY, 3));
        host.control().clear(fault);
        host.control().arm(Fault.code(15).in("init"));
        assertEquals(15, code("nvmlInit_v2", 0));
        host.control().clearFaults();
        assertEquals(0, code("nvmlInit_v2", 0));
    }

    @Test
    void slowCallsTakeAsLongAsTold() throws Exception {
        host.control().arm(Fault.slow(Duration.ofMillis(1500)).in(MEMORY).on(0));
        assertTrue(milliseconds(MEMORY, 0) >= 1500);
        assertTrue(milliseconds(MEMORY, 1) < 1500);
    }

    @Test
    void aHangEndsAtItsTime() throws Exception {
        host.control().arm(Fault.hang(Duration.ofSeconds(4)).in("nvmlDeviceGetPowerUsage"));
        long took = milliseconds("nvmlDeviceGetPowerUsage", 0);
        assertTrue(took > 100 && took < 10_000, took + " ms");
        assertTrue(milliseconds("nvmlDeviceGetPowerUsage", 0) < 4000);
    }

    @Test
    void aHangBelowTheLibrarysLockKeepsOtherThreadsOut() throws Exception {
        Fault hang = Fault.hang(Duration.ofSeconds(4)).in("nvmlDeviceGetPowerUsage");
        host.control().arm(hang);
        assertTrue(Long.parseLong(host.client("beside").first()) < 2000);
        host.control().clearFaults();
        host.control().arm(hang.holdingTheLibrary());
        assertTrue(Long.parseLong(host.client("beside").first()) > 50);
    }

    @Test
    void aHangForEverEndsWhenItIsClearedOrItsClientKilled() throws Exception {
        int fault = host.control().arm(Fault.hangForEver().in("init"));
        Process hung = hung("hold");
        assertFalse(hung.waitFor(300, TimeUnit.MILLISECONDS));
        hung.destroyForcibly().waitFor();
        Process second = hung("hold");
        assertFalse(second.waitFor(300, TimeUnit.MILLISECONDS));
        host.control().clear(fault);
        assertEquals("ready", second.inputReader(StandardCharsets.UTF_8).readLine());
        second.destroyForcibly().waitFor();
    }

    private Process hung(String... arguments) throws Exception {
        List<String> command = new ArrayList<>();
        command.add(Native.built("client").toString());
        command.add(host.simulator.library().toString());
        command.addAll(List.of(arguments));
        ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
        builder.environment().putAll(host.simulator.environment());
        return builder.start();
    }

    @Test
    void libraryAndDriverOfDifferentVersions() throws Exception {
        host.control().versionMismatch(true);
        assertEquals(18, code("nvmlInit_v2", 0));
        assertEquals(18, host.smi("-L").code());
        host.control().versionMismatch(false);
        assertEquals(0, host.smi("-L").code());
    }

    @Test
    void stuckMemoryGoesWithAResetAndAStuckProcessStandsAgainstIt() throws Exception {
        host.control().stuckMemory(0, 5L << 30);
        assertEquals("5121", field(0, "memory.used"));
        host.control().apply("reset 0");
        assertEquals("1", field(0, "memory.used"));
        host.control().stuckProcess(0, 4242, 1L << 30);
        assertEquals("0 1 4242:1073741824", host.client("apps", "0", "4").first());
        assertThrows(SimulatorException.class, () -> host.control().apply("reset 0"));
        host.control().clearAll();
        assertEquals("0 0", host.client("apps", "0", "4").first());
    }

    @Test
    void aBoardThatIsTakenOutIsNotThereForNewClients() throws Exception {
        host.control().removed(7, true);
        assertEquals(7, host.client("seen").lines().size());
        host.control().removed(7, false);
        assertEquals(8, host.client("seen").lines().size());
    }

    @Test
    void aTimeLineIsPlayedInItsTime() throws Exception {
        Path script =
                Files.writeString(
                        dir.resolve("bad-day"),
                        """
                        # a GPU dies slowly
                        xid 0 94 pid=77 text="Contained: SM (0x1)."
                        at 200
                        ecc 0 uncorrected 1
                        wait 100
                        lost 0
                        """);
        Native.Running watcher = host.startClient("watch", "100000");
        long before = System.nanoTime();
        host.control().play(script, Duration.ofSeconds(5));
        assertTrue(System.nanoTime() - before > 290_000_000L);
        assertEquals("event 0 8 94", watcher.line());
        assertEquals("event 0 2 1", watcher.line());
        assertEquals(15, code(MEMORY, 0));
    }

    @Test
    void aWrongLineIsNamed() {
        SimulatorException unknown =
                assertThrows(
                        SimulatorException.class,
                        () -> host.control().apply("xid 0 13\nexplode 3\n"));
        assertTrue(unknown.getMessage().contains("line 2: unknown command \"explode\""));
        SimulatorException range =
                assertThrows(SimulatorException.class, () -> host.control().apply("xid 8 13"));
        assertTrue(range.getMessage().contains("8 GPUs"), range.getMessage());
    }
}
