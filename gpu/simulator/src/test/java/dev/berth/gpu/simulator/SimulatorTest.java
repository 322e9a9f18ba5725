package dev.berth.gpu.simulator;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.berth.linux.Linux;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** What a simulated host shows of itself. */
class SimulatorTest {
    private static Simulator start(Path dir, String machine) throws Exception {
        return Simulator.start(Linux.host(), dir, Machine.shipped(machine), Native.DEVICES);
    }

    private static String read(Simulator simulator, String path) throws Exception {
        return Files.readString(simulator.hostRoot().resolve(path));
    }

    @Test
    void everyShippedMachineStarts(@TempDir Path dir) throws Exception {
        for (String name : Machine.SHIPPED) {
            Simulator simulator = start(dir.resolve(name), name);
            assertEquals(
                    Integer.toString(simulator.machine().gpus().size()),
                    simulator.control().state().get("gpus"));
            assertTrue(Files.exists(simulator.library()));
        }
    }

    @Test
    void theSameMachineGoesOnAndAnotherReplacesIt(@TempDir Path dir) throws Exception {
        start(dir, "8xA100").control().stuckMemory(3, 1 << 30);
        Simulator again = start(dir, "8xA100");
        assertEquals("1073741824", again.control().state().get("gpu.3.stuck"));
        Simulator other = start(dir, "1xA30");
        assertEquals("1", other.control().state().get("gpus"));
        assertEquals(
                1, Files.list(other.hostRoot().resolve("proc/driver/nvidia/gpus")).toList().size());
        Files.writeString(other.state(), "damaged");
        assertEquals("1", start(dir, "1xA30").control().state().get("gpus"));
    }

    @Test
    void theHostsFilesAgreeWithTheMachine(@TempDir Path dir) throws Exception {
        Simulator simulator = start(dir, "4xL40S");
        String devices = read(simulator, "proc/devices");
        assertTrue(
                devices.startsWith("Character devices:\n  1 mem\n 10 misc\n195 nvidia\n"), devices);
        assertTrue(devices.contains("\n235 hidraw\n"), devices);
        assertTrue(devices.contains("\n509 nvidia-uvm\n510 other\n"), devices);
        assertTrue(devices.endsWith("\n\nBlock devices:\n259 blkext\n"), devices);
        String information = read(simulator, "proc/driver/nvidia/gpus/0000:ca:00.0/information");
        assertTrue(information.contains("GPU UUID: \t GPU-5101a7ed-0405-4000-8000-000000000004\n"));
        assertTrue(information.contains("Device Minor: \t 2\n"), information);
        assertTrue(read(simulator, "proc/driver/nvidia/version").contains("  580.65.06  "));
        assertTrue(read(simulator, "proc/driver/nvidia/params").contains("ModifyDeviceFiles: 1\n"));
        String pci = "sys/bus/pci/devices/0000:ca:00.0/";
        assertEquals("0x10de\n", read(simulator, pci + "vendor"));
        assertEquals("0x030200\n", read(simulator, pci + "class"));
        assertEquals("1\n", read(simulator, pci + "numa_node"));
        assertEquals("32-63,96-127\n", read(simulator, pci + "local_cpulist"));
        assertEquals(
                simulator.hostRoot().resolve("sys/bus/pci/drivers/nvidia").toRealPath(),
                simulator.hostRoot().resolve(pci + "driver").toRealPath());
        // These boards have no MIG.
        assertFalse(
                Files.exists(simulator.hostRoot().resolve("proc/driver/nvidia-caps/mig-minors")));
    }

    @Test
    void capabilityMinorsFollowTheDriversRule(@TempDir Path dir) throws Exception {
        Simulator simulator = start(dir, "8xH100");
        List<String> minors =
                read(simulator, "proc/driver/nvidia-caps/mig-minors").lines().toList();
        assertEquals("config 1", minors.get(0));
        assertTrue(minors.contains("gpu0/gi0/access 3"));
        assertTrue(minors.contains("gpu7/gi2/ci1/access " + (3 + 135 * 7 + 9 * 2 + 1 + 1)));
        assertEquals(2 + 32 * 135, minors.size());
        assertEquals(
                "DeviceFileMinor: 1\nDeviceFileMode: 256\nDeviceFileModify: 1\n",
                read(simulator, "proc/driver/nvidia/capabilities/mig/config"));
    }

    @Test
    void majorsThatTheHostHasGivenAwayAreReplaced() throws Exception {
        SimulatedMajors majors =
                SimulatedMajors.choose(Native.DEVICES, Machine.shipped("8xH100").majors());
        assertEquals(509, majors.names().get("nvidia-uvm"));
        assertEquals(511, majors.names().get("nvidia-nvswitch"));
        assertEquals(508, majors.names().get("nvidia-caps"));
        assertEquals(236, majors.names().get("nvidia-caps-imex-channels"));
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
