package dev.berth.gpu.simulator;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.berth.linux.Linux;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Files;
import java.nio.file.Path;

class SimulatorTest {
    private static final String DEVICES =
            """
            Character devices:
              1 mem
             10 misc
            235 hidraw
            510 other

            Block devices:
            259 blkext
            """;

    @Test
    void everyShippedMachineStarts(@TempDir Path dir) throws Exception {
        for (String name : Machine.SHIPPED) {
            Machine machine = Machine.shipped(name);
            Simulator simulator =
                    Simulator.start(Linux.host(), dir.resolve(name), machine, DEVICES);
            assertEquals(
                    Integer.toString(machine.gpus().size()),
                    simulator.control().state().get("gpus"));
            assertTrue(Files.exists(simulator.library()));
        }
    }

    @Test
    void majorsThatTheHostHasGivenAwayAreReplaced(@TempDir Path dir) throws Exception {
        SimulatedMajors majors =
                SimulatedMajors.choose(DEVICES, Machine.shipped("8xH100").majors());
        assertEquals(509, majors.names().get("nvidia-uvm"));
        assertEquals(511, majors.names().get("nvidia-nvswitch"));
        assertEquals(508, majors.names().get("nvidia-caps"));
    }

    @Test
    void aRealDriverIsRefused(@TempDir Path dir) {
        SimulatorException refused =
                assertThrows(
                        SimulatorException.class,
                        () ->
                                Simulator.start(
                                        Linux.host(),
                                        dir,
                                        Machine.shipped("1xA30"),
                                        "Character devices:\n195 nvidia-frontend\n"));
        assertTrue(refused.getMessage().contains("195 (nvidia-frontend)"), refused.getMessage());
    }
}
