package dev.berth.gpu.simulator;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.FieldSource;

import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** Machine files: what is shipped is sound, and what is wrong is named. */
class MachineTest {
    static final List<String> SHIPPED = Machine.SHIPPED;

    private static String text(String name) throws Exception {
        try (InputStream in = Machine.class.getResourceAsStream("machines/" + name + ".json")) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        }
    }

    private static String refusal(String json) {
        return assertThrows(
                        SimulatorException.class,
                        () -> Machine.parse(json.getBytes(StandardCharsets.UTF_8), "test"))
                .getMessage();
    }

    @ParameterizedTest
    @FieldSource("SHIPPED")
    void aShippedMachineIsSoundAndClearlySimulated(String name) throws Exception {
        Machine machine = Machine.shipped(name);
        assertEquals(name, machine.name());
        assertEquals(Integer.parseInt(name.substring(0, name.indexOf('x'))), machine.gpus().size());
        for (Machine.Board board : machine.gpus()) {
            assertTrue(board.uuid().startsWith("GPU-5101a7ed-"), board.uuid());
        }
        List<String> addresses = machine.gpus().stream().map(Machine.Board::pci).toList();
        assertEquals(addresses.stream().sorted().toList(), addresses, "in NVML's order");
    }

    @Test
    void aFileIsReadLikeAShippedMachine(@TempDir Path dir) throws Exception {
        Path file = Files.writeString(dir.resolve("m.json"), text("8xA100"));
        assertEquals(Machine.shipped("8xA100"), Machine.read(file));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "\"cuda\": 13000| \"cuda\": 13000, \"colour\": 1| colour",
                "\"nvml\": \"13.580.65.06\",|| nvml",
                "\"minor\": 1| \"minor\": 0| minor twice: 0",
                "\"minor\": 1| \"minor\": \"1\"| String",
                "0000:ca:00.0| 0000:b3:00.0| pci twice",
                "0000:ca:00.0| ca:00| not of the form 0000:1b:00.0",
                "-0405-4000-8000-000000000004| | not of the form GPU-",
                "\"cpus\": \"32-63,96-127\"| \"cpus\": \"all\"| not a list such as 0-3,8",
                "[0, 0, 0, 0]| [0, 4, 0, 0]| differs from",
                "[0, 0, 0, 0]| [0, 0, 0]| 4 columns in row",
                "\"SELF\", \"NODE\"| \"SELF\", \"NEAR\"| NEAR",
                "\"uvm\": 510| \"uvm\": 12| 234 to 511",
                "\"idle\": 35| \"idle\": 135| must ascend",
                "\"memoryMiB\": 46068| \"memoryMiB\": 500| memoryMiB",
                "\"driver\": \"580.65.06\"| \"driver\": \"580 65\"| driver",
                "\"cuda\": 13000| \"cuda\": 13000, \"cuda\": 13000| Duplicate",
            })
    void aWrongFileIsRefusedByName(String from, String to, String named) throws Exception {
        String good = text("4xL40S");
        assertTrue(good.contains(from), from);
        String bad = good.replaceFirst(java.util.regex.Pattern.quote(from), to == null ? "" : to);
        String message = refusal(bad);
        assertTrue(message.startsWith("machine file test"), message);
        assertTrue(message.contains(named), message);
    }

    @Test
    void whatIsNoFileOrNoMachineIsSaid(@TempDir Path dir) {
        assertTrue(
                assertThrows(SimulatorException.class, () -> Machine.shipped("9xH900"))
                        .getMessage()
                        .contains("there are 8xH100"));
        assertThrows(SimulatorException.class, () -> Machine.read(dir.resolve("none.json")));
        assertTrue(refusal("{").contains("line 1"));
        assertTrue(refusal("{} {}").contains("machine file test"));
    }
}
