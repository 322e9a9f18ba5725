package dev.berth.gpu;

import java.util.Arrays;

/** How near devices are to one another: a symmetric matrix of PCI proximity and of NVLinks, in the order of the table's devices. */
public final class Topology {
    private final Proximity[][] proximity;
    private final int[][] nvLinks;

    private Topology(Proximity[][] proximity, int[][] nvLinks) {
        this.proximity = proximity;
        this.nvLinks = nvLinks;
    }

    /** Nearness of two devices on PCI and in NUMA, nearest first, with nvidia-smi's short names. Values: nvmlGpuTopologyLevel_t. */
    public enum Proximity {
        SELF("X", -1),
        INTERNAL("PIX", 0),
        SINGLE_SWITCH("PIX", 10),
        MULTIPLE_SWITCHES("PXB", 20),
        HOST_BRIDGE("PHB", 30),
        NUMA_NODE("NODE", 40),
        SYSTEM("SYS", 50);

        private final String shortName;
        private final int nvml;

        Proximity(String shortName, int nvml) {
            this.shortName = shortName;
            this.nvml = nvml;
        }

        public String shortName() {
            return shortName;
        }

        /** NVML's number; −1 for {@link #SELF}. */
        public int nvml() {
            return nvml;
        }

        /** The level of NVML's number, the next farther one for numbers that are not known. */
        public static Proximity ofNvml(int value) {
            for (Proximity level : values()) {
                if (level != SELF && value <= level.nvml) {
                    return level;
                }
            }
            return SYSTEM;
        }
    }

    /** Of {@code size} devices that are as far apart as can be, without links. */
    public static Topology of(int size) {
        Proximity[][] proximity = new Proximity[size][size];
        for (int i = 0; i < size; i++) {
            Arrays.fill(proximity[i], Proximity.SYSTEM);
            proximity[i][i] = Proximity.SELF;
        }
        return new Topology(proximity, new int[size][size]);
    }

    /** This one with the pair {@code a}, {@code b} (in either order) as given. */
    public Topology with(int a, int b, Proximity level, int links) {
        if (a == b) {
            throw new IllegalArgumentException("a device and itself: " + a);
        }
        Proximity[][] levels = copy(proximity);
        int[][] linked = new int[nvLinks.length][];
        Arrays.setAll(linked, i -> nvLinks[i].clone());
        levels[a][b] = level;
        levels[b][a] = level;
        linked[a][b] = links;
        linked[b][a] = links;
        return new Topology(levels, linked);
    }

    private static Proximity[][] copy(Proximity[][] from) {
        Proximity[][] to = new Proximity[from.length][];
        Arrays.setAll(to, i -> from[i].clone());
        return to;
    }

    public int size() {
        return proximity.length;
    }

    public Proximity proximity(int a, int b) {
        return proximity[a][b];
    }

    /** NVLinks between the two, over a switch too; 0 when there are none. */
    public int nvLinks(int a, int b) {
        return nvLinks[a][b];
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Topology that
                && Arrays.deepEquals(proximity, that.proximity)
                && Arrays.deepEquals(nvLinks, that.nvLinks);
    }

    @Override
    public int hashCode() {
        return 31 * Arrays.deepHashCode(proximity) + Arrays.deepHashCode(nvLinks);
    }

    @Override
    public String toString() {
        return Arrays.deepToString(proximity) + " links " + Arrays.deepToString(nvLinks);
    }
}
