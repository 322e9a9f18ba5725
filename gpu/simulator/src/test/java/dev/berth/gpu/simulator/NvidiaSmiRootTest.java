package dev.berth.gpu.simulator;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Path;

/** What nvidia-smi lets only root do: resets and settings. */
@Tag("root")
@Timeout(120)
class NvidiaSmiRootTest {
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
    void aResetClearsWhatAResetClears() throws Exception {
        host.control()
                .apply(
                        """
                        stuck-memory 1 1073741824
                        required 1
                        ecc 1 uncorrected 2
                        set 1 compute 3
                        set 1 persistence 1
                        recovery 1 1
                        """);
        Native.Outcome reset = host.smi("--gpu-reset", "-i", "0000:0F:00.0");
        assertEquals(0, reset.code(), reset.lines().toString());
        assertEquals("GPU 00000000:0F:00.0 was successfully reset.", reset.first());
        assertEquals(
                "1, Enabled, Default, 0, 2, None",
                host.smi(
                                "-i",
                                "1",
                                "--query-gpu=memory.used,persistence_mode,compute_mode,ecc.errors.uncorrected.volatile.total,ecc.errors.uncorrected.aggregate.total,gpu_recovery_action",
                                "--format=csv,noheader,nounits")
                        .first());
        assertEquals("1", host.control().state().get("gpu.1.resets"));
    }

    @Test
    void aResetIsRefusedWhileAProcessUsesTheGpu() throws Exception {
        Native.Running task = host.simtask("--memory", "1GiB", "--gpu", "3");
        Native.Outcome refused = host.smi("-i", "3", "-r");
        assertEquals(19, refused.code());
        assertTrue(refused.first().contains("in use by another process (pid " + task.pid()));
        assertEquals(0, host.smi("-i", "2", "-r").code());
        task.kill();
        assertEquals(0, host.smi("-i", "3", "-r").code());
    }

    @Test
    void whatIsSetWithoutPersistenceIsGoneWithItsLastClient() throws Exception {
        assertEquals(0, host.smi("-i", "0", "-c", "3").code());
        assertEquals("Exclusive_Process", mode());
        assertEquals(0, host.smi("-i", "0", "-c", "0").code());
        assertEquals(0, host.smi("-i", "0", "-pm", "0").code());
        assertEquals(0, host.smi("-i", "0", "-c", "3").code());
        assertEquals("Default", mode());
        assertEquals(2, host.smi("-i", "0", "-pl", "9000").code());
    }

    private String mode() throws Exception {
        return host.smi("-i", "0", "--query-gpu=compute_mode", "--format=csv,noheader").first();
    }
}
