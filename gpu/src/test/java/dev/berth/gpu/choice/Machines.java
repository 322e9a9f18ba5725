package dev.berth.gpu.choice;

import dev.berth.gpu.Device;
import dev.berth.gpu.DeviceId;
import dev.berth.gpu.DeviceTable;
import dev.berth.gpu.DeviceTable.DriverFacts;
import dev.berth.gpu.PciAddress;
import dev.berth.gpu.Topology;
import dev.berth.gpu.Topology.Proximity;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Random;

/** Device tables with the topologies of real machines. */
public final class Machines {
    public static final String RESOURCE = "nvidia.com/gpu";

    private Machines() {}

    /** What is said of a pair. */
    private interface Pairs {
        int links(int a, int b);

        Proximity level(int a, int b);
    }

    public static Map<String, DeviceTable> real() {
        Map<String, DeviceTable> machines = new LinkedHashMap<>();
        machines.put("8xH100", switched(8, 18));
        machines.put("8xA100", switched(8, 12));
        machines.put("4xL40S", sockets(4));
        machines.put("1xH200", sockets(1));
        machines.put("1xA30", sockets(1));
        machines.put("DGX-1", hybridCubeMesh());
        return machines;
    }

    /** All joined over a switch; pairs share a PCIe switch, halves a socket. */
    public static DeviceTable switched(int size, int links) {
        return table(
                size,
                i -> OptionalInt.of(i * 2 / size),
                new Pairs() {
                    @Override
                    public int links(int a, int b) {
                        return links;
                    }

                    @Override
                    public Proximity level(int a, int b) {
                        return a / 2 == b / 2
                                ? Proximity.MULTIPLE_SWITCHES
                                : a * 2 / size == b * 2 / size
                                        ? Proximity.NUMA_NODE
                                        : Proximity.SYSTEM;
                    }
                });
    }

    /** PCIe only, two sockets. */
    public static DeviceTable sockets(int size) {
        return table(
                size,
                i -> OptionalInt.of(i * 2 / size),
                new Pairs() {
                    @Override
                    public int links(int a, int b) {
                        return 0;
                    }

                    @Override
                    public Proximity level(int a, int b) {
                        return a * 2 / size == b * 2 / size
                                ? Proximity.NUMA_NODE
                                : Proximity.SYSTEM;
                    }
                });
    }

    /** Eight of the first NVLink generation with links to four others each: two quads, joined corner to corner; some pairs have two links. */
    private static DeviceTable hybridCubeMesh() {
        int[][] links = {
            {0, 1, 1, 2, 2, 0, 0, 0},
            {1, 0, 2, 1, 0, 2, 0, 0},
            {1, 2, 0, 2, 0, 0, 1, 0},
            {2, 1, 2, 0, 0, 0, 0, 1},
            {2, 0, 0, 0, 0, 1, 1, 2},
            {0, 2, 0, 0, 1, 0, 2, 1},
            {0, 0, 1, 0, 1, 2, 0, 2},
            {0, 0, 0, 1, 2, 1, 2, 0}
        };
        return table(
                8,
                i -> OptionalInt.of(i / 4),
                new Pairs() {
                    @Override
                    public int links(int a, int b) {
                        return links[a][b];
                    }

                    @Override
                    public Proximity level(int a, int b) {
                        return a / 2 == b / 2
                                ? Proximity.SINGLE_SWITCH
                                : a / 4 == b / 4 ? Proximity.NUMA_NODE : Proximity.SYSTEM;
                    }
                });
    }

    public static DeviceTable random(int size, Random random) {
        int most = random.nextInt(4);
        int levels = 1 + random.nextInt(6);
        int nodes = 1 + random.nextInt(4);
        Proximity[] all = Proximity.values();
        return table(
                size,
                _ -> {
                    int node = random.nextInt(nodes + 1) - 1;
                    return node < 0 ? OptionalInt.empty() : OptionalInt.of(node);
                },
                new Pairs() {
                    @Override
                    public int links(int a, int b) {
                        return random.nextInt(most + 1);
                    }

                    @Override
                    public Proximity level(int a, int b) {
                        return all[1 + random.nextInt(levels)];
                    }
                });
    }

    /** NUMA node of a position. */
    private interface Nodes {
        OptionalInt node(int position);
    }

    private static DeviceTable table(int size, Nodes nodes, Pairs pairs) {
        List<Device> devices = new ArrayList<>();
        Topology topology = Topology.of(size);
        for (int a = 0; a < size; a++) {
            devices.add(device(a, nodes.node(a)));
            for (int b = 0; b < a; b++) {
                topology = topology.with(a, b, pairs.level(a, b), pairs.links(a, b));
            }
        }
        return new DeviceTable(
                1, RESOURCE, DriverFacts.NONE, devices, topology, List.of(), List.of());
    }

    public static DeviceId id(int index) {
        return new DeviceId(
                String.format(Locale.ROOT, "GPU-%x%07x-0000-0000-0000-000000000000", index, index));
    }

    private static Device device(int index, OptionalInt node) {
        return new Device(
                id(index),
                index,
                "Simulated",
                OptionalInt.of(index),
                Optional.of(new PciAddress(0, 0x10 + index, 0, 0)),
                node,
                "",
                80L << 30,
                List.of(),
                Map.of());
    }
}
