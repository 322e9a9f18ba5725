package dev.berth.gpu.choice;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.berth.gpu.DeviceException;
import dev.berth.gpu.DeviceId;
import dev.berth.gpu.DeviceRequest.Selection;
import dev.berth.gpu.DeviceTable;
import dev.berth.gpu.choice.Explanation.Unavailable;

import org.junit.jupiter.api.Test;

import java.util.List;
import java.util.Map;
import java.util.Objects;

class ExplanationTest {
    private static final DeviceTable DGX = Objects.requireNonNull(Machines.real().get("DGX-1"));

    @Test
    void ranksTheBestGroupsAndSaysWhyTheyAreBehind() throws DeviceException {
        Explanation found = Explanation.of(Chooser.of(DGX), new Selection.Count(2), Map.of(), 5);
        assertEquals(5, found.candidates().size());
        assertEquals(found.candidates().getFirst().devices(), found.chosen());
        assertEquals(2, found.candidates().getFirst().figures().minLink());
        assertTrue(found.candidates().getFirst().why().contains("at least 2 NVLinks"));
        for (int i = 1; i < 5; i++) {
            assertTrue(
                    found.candidates()
                                    .get(i - 1)
                                    .figures()
                                    .compareTo(found.candidates().get(i).figures())
                            <= 0);
        }
    }

    @Test
    void namesWhatWasNotConsideredAndWhy() throws DeviceException {
        Map<DeviceId, String> held =
                Map.of(
                        Machines.id(0), "granted to 0123456789ab",
                        Machines.id(5), "quarantined: 3 GiB still in use");
        Explanation found = Explanation.of(Chooser.of(DGX), new Selection.Count(7), held, 5);
        assertEquals(List.of(), found.chosen());
        assertEquals(
                List.of(
                        new Unavailable(Machines.id(0), "granted to 0123456789ab"),
                        new Unavailable(Machines.id(5), "quarantined: 3 GiB still in use")),
                found.unavailable());
        assertTrue(
                found.refused().orElseThrow().startsWith("7 asked for, 6 of 8 free: GPU-0"),
                found.toString());
        assertTrue(found.refused().orElseThrow().contains("is granted to 0123456789ab; GPU-5"));
    }

    @Test
    void devicesAreFoundByEveryNameTheyHave() throws DeviceException {
        assertEquals(3, DeviceNames.position(DGX, "3"));
        assertEquals(3, DeviceNames.position(DGX, Machines.id(3).value()));
        assertEquals(3, DeviceNames.position(DGX, "GPU-3"));
        assertEquals(3, DeviceNames.position(DGX, "00000000:13:00.0"));
        assertEquals(3, DeviceNames.position(DGX, "13:00"));
        assertEquals(0b1001, DeviceNames.mask(DGX, List.of("3", "GPU-0", "0")));
        assertTrue(message("GPU-").contains("more than one device"));
        assertTrue(message("9").contains("no device '9': there are GPU-0"));
        assertTrue(message("").contains("no device ''"));
    }

    private static String message(String name) {
        return String.valueOf(
                assertThrows(DeviceException.class, () -> DeviceNames.position(DGX, name))
                        .getMessage());
    }

    @Test
    void allIsAllOrNothing() throws DeviceException {
        Chooser chooser = Chooser.of(DGX);
        assertEquals(8, Explanation.of(chooser, new Selection.All(), Map.of(), 5).chosen().size());
        Explanation less =
                Explanation.of(
                        chooser, new Selection.All(), Map.of(Machines.id(1), "quarantined"), 5);
        assertEquals(List.of(), less.chosen());
        assertTrue(less.refused().orElseThrow().contains("is quarantined"));
        Explanation none =
                Explanation.of(
                        Chooser.of(DeviceTable.empty("nvidia.com/gpu")),
                        new Selection.All(),
                        Map.of(),
                        5);
        assertEquals("this node has no nvidia.com/gpu", none.refused().orElseThrow());
    }
}
