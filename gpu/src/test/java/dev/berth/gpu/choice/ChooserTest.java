package dev.berth.gpu.choice;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.berth.gpu.DeviceException;
import dev.berth.gpu.DeviceTable;

import org.junit.jupiter.api.Test;

import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;

class ChooserTest {
    private static final long SEED = Long.getLong("berth.seed", 20260821L);

    @Test
    void isTheOptimumOnEveryMachineForEveryFreeMaskAndEveryCount() throws DeviceException {
        for (Map.Entry<String, DeviceTable> machine : Machines.real().entrySet()) {
            everyMask(machine.getKey(), machine.getValue());
        }
    }

    @Test
    void isTheOptimumOnRandomTopologies() throws DeviceException {
        Random random = new Random(SEED);
        for (int i = 0; i < 60; i++) {
            everyMask("seed " + SEED + " round " + i, Machines.random(1 + i % 7, random));
        }
    }

    @Test
    void isTheOptimumOnSixteenDevices() throws DeviceException {
        Random random = new Random(SEED);
        for (DeviceTable table :
                new DeviceTable[] {Machines.switched(16, 18), Machines.random(16, random)}) {
            Chooser chooser = Chooser.of(table);
            NaiveOracle oracle = new NaiveOracle(table);
            for (int i = 0; i < 60; i++) {
                long free = i == 0 ? 0xffff : 1 + random.nextInt(0xffff);
                int count = 1 + random.nextInt(Math.min(5, Long.bitCount(free)));
                assertEquals(
                        oracle.best(positions(free), count, Set.of()),
                        positions(chooser.best(free, count)),
                        "seed " + SEED + " free " + free + " count " + count);
            }
        }
    }

    @Test
    void aGroupThatGrowsCountsWhatItHas() throws DeviceException {
        DeviceTable table = Machines.real().get("DGX-1");
        Chooser chooser = Chooser.of(table);
        NaiveOracle oracle = new NaiveOracle(table);
        for (int held = 1; held < 256; held++) {
            long free = 255 & ~held;
            for (int count = 1; count <= Long.bitCount(free); count++) {
                assertEquals(
                        oracle.best(positions(free), count, positions(held)),
                        positions(chooser.best(free, count, held)),
                        "held " + held + " count " + count);
            }
        }
    }

    @Test
    void figuresAreThoseOfTheOraclesOrder() throws DeviceException {
        DeviceTable table = Machines.real().get("DGX-1");
        Chooser chooser = Chooser.of(table);
        for (int free = 1; free < 256; free++) {
            for (int count = 1; count <= Integer.bitCount(free); count++) {
                assertEquals(
                        chooser.best(free, count),
                        chooser.ranked(free, count, 0, 3).getFirst().set());
            }
        }
    }

    @Test
    void largeTablesAreAnsweredWithTheRightCountOfFreeDevices() throws DeviceException {
        Random random = new Random(SEED);
        for (int size : new int[] {17, 33, 64}) {
            Chooser chooser = Chooser.of(Machines.switched(size, 4));
            long all = size == 64 ? -1L : (1L << size) - 1;
            for (int i = 0; i < 50; i++) {
                long free = random.nextLong() & all | 1;
                int count = 1 + random.nextInt(Long.bitCount(free));
                long chosen = chooser.best(free, count);
                assertEquals(count, Long.bitCount(chosen));
                assertEquals(0, chosen & ~free);
                assertEquals(chosen, chooser.best(free, count));
            }
            // A pair behind one switch is found whatever the size.
            long pair = chooser.best(all, 2);
            assertEquals(
                    Long.numberOfTrailingZeros(pair) / 2,
                    (63 - Long.numberOfLeadingZeros(pair)) / 2);
        }
        assertThrows(DeviceException.class, () -> Chooser.of(Machines.switched(65, 4)));
    }

    @Test
    void answersInSingleMicrosecondsOnceAsked() throws DeviceException {
        for (int size : new int[] {8, 16}) {
            Chooser chooser = Chooser.of(Machines.switched(size, 18));
            long all = (1L << size) - 1;
            chooser.prepare(all);
            long sum = 0;
            long best = Long.MAX_VALUE;
            for (int round = 0; round < 50; round++) {
                long begun = System.nanoTime();
                for (int i = 0; i < 1000; i++) {
                    sum += chooser.best(all, 1 + i % size);
                }
                best = Math.min(best, (System.nanoTime() - begun) / 1000);
            }
            System.out.println("choice of " + size + ", warm: " + best + " ns (" + sum + ")");
            assertTrue(best < 9_000, best + " ns");
        }
    }

    private static void everyMask(String name, DeviceTable table) throws DeviceException {
        Chooser chooser = Chooser.of(table);
        NaiveOracle oracle = new NaiveOracle(table);
        for (int free = 1; free < 1 << table.devices().size(); free++) {
            for (int count = 1; count <= Integer.bitCount(free); count++) {
                assertEquals(
                        oracle.best(positions(free), count, Set.of()),
                        positions(chooser.best(free, count)),
                        name + " free " + Integer.toBinaryString(free) + " count " + count);
            }
        }
    }

    private static Set<Integer> positions(long mask) {
        Set<Integer> set = new TreeSet<>();
        for (long rest = mask; rest != 0; rest &= rest - 1) {
            set.add(Long.numberOfTrailingZeros(rest));
        }
        return set;
    }
}
