package dev.berth.gpu.choice;

import dev.berth.gpu.Device;
import dev.berth.gpu.DeviceTable;
import dev.berth.gpu.Topology;
import dev.berth.gpu.Topology.Proximity;

import java.util.List;

/** The topology of one table as figures, by position in the table. Sets of devices are masks: bit i is the device at position i. */
final class Nearness {
    static final int LINK_POINTS = 100;

    /** No pair has more; a source that says so is cut off there, so that sums stay in their bits. */
    static final int MOST_LINKS = 255;

    private final int[][] links;
    private final int[][] points;
    private final int[] numa;

    private Nearness(int[][] links, int[][] points, int[] numa) {
        this.links = links;
        this.points = points;
        this.numa = numa;
    }

    static Nearness of(DeviceTable table) {
        List<Device> devices = table.devices();
        Topology topology = table.topology();
        int size = devices.size();
        int[][] links = new int[size][size];
        int[][] points = new int[size][size];
        int[] numa = new int[size];
        for (int a = 0; a < size; a++) {
            for (int b = 0; b < size; b++) {
                if (a != b) {
                    links[a][b] = Math.clamp(topology.nvLinks(a, b), 0, MOST_LINKS);
                    points[a][b] = LINK_POINTS * links[a][b] + points(topology.proximity(a, b));
                }
            }
            numa[a] = ordinal(devices, a);
        }
        return new Nearness(links, points, numa);
    }

    /** Position of the first device on the same NUMA node: a number below the size, whatever the firmware numbers. */
    private static int ordinal(List<Device> devices, int position) {
        for (int i = 0; i < position; i++) {
            if (devices.get(i).numaNode().equals(devices.get(position).numaNode())) {
                return i;
            }
        }
        return position;
    }

    private static int points(Proximity level) {
        return switch (level) {
            case SELF -> 0;
            case INTERNAL -> 60;
            case SINGLE_SWITCH -> 50;
            case MULTIPLE_SWITCHES -> 40;
            case HOST_BRIDGE -> 30;
            case NUMA_NODE -> 20;
            case SYSTEM -> 10;
        };
    }

    int size() {
        return numa.length;
    }

    int links(int a, int b) {
        return links[a][b];
    }

    int points(int a, int b) {
        return points[a][b];
    }

    /** A bit for the NUMA node of the device. */
    long numaBit(int position) {
        return 1L << numa[position];
    }

    /**
     * @param set the new devices
     * @param held what the asker has already: counts towards the group
     * @param free all that are free, {@code set} among them
     */
    Figures figures(long set, long held, long free) {
        long group = set | held;
        int fewest = Long.bitCount(group) < 2 ? 0 : MOST_LINKS;
        int sum = 0;
        long nodes = 0;
        for (long rest = group; rest != 0; rest &= rest - 1) {
            int a = Long.numberOfTrailingZeros(rest);
            nodes |= numaBit(a);
            for (long others = rest & rest - 1; others != 0; others &= others - 1) {
                int b = Long.numberOfTrailingZeros(others);
                fewest = Math.min(fewest, links[a][b]);
                sum += points[a][b];
            }
        }
        int torn = 0;
        for (long rest = set; rest != 0; rest &= rest - 1) {
            int a = Long.numberOfTrailingZeros(rest);
            for (long others = free & ~set; others != 0; others &= others - 1) {
                torn += points[a][Long.numberOfTrailingZeros(others)];
            }
        }
        return new Figures(fewest, sum, Long.bitCount(nodes), torn);
    }

    /** Whether {@code a} goes before {@code b} when their figures are equal: the lowest index that only one of them has is in {@code a}. */
    static boolean lower(long a, long b) {
        return (Long.lowestOneBit(a ^ b) & a) != 0;
    }
}
