package dev.berth.gpu.proc;

import dev.berth.gpu.PciAddress;
import dev.berth.gpu.Topology;
import dev.berth.gpu.Topology.Proximity;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;

/**
 * Where devices sit on PCI and how near they are, from {@code /sys/bus/pci/devices}.
 *
 * <p>Nearness follows the bridges: an entry of sysfs is a link into {@code devices/pci0000:3a/0000:3a:00.0/…}, which names every bridge from the root complex down. Where entries are no links, as in a simulated
 * host, only bus numbers and NUMA nodes remain. Thread: lane.
 */
public final class PciTree {
    private static final String DEVICES = "sys/bus/pci/devices/";

    private final HostFiles host;

    public PciTree(HostFiles host) {
        this.host = host;
    }

    /** Empty when the firmware does not say. */
    public OptionalInt numaNode(PciAddress pci) {
        String text = host.line(DEVICES + pci + "/numa_node");
        return text.matches("\\d{1,4}")
                ? OptionalInt.of(Integer.parseInt(text))
                : OptionalInt.empty();
    }

    /** CPUs near it; empty when sysfs does not say. */
    public String cpuList(PciAddress pci) {
        String text = host.line(DEVICES + pci + "/local_cpulist");
        return text.matches("[0-9,-]{1,1024}") ? text : "";
    }

    /** The names of the bridges above a device, root complex first; empty when sysfs does not show them. */
    List<String> bridges(PciAddress pci) {
        List<String> names = new ArrayList<>();
        try {
            for (Path part : host.at(DEVICES + pci).toRealPath()) {
                String name = part.toString();
                boolean bridge = name.startsWith("pci") ? names.isEmpty() : !names.isEmpty();
                if (bridge) {
                    names.add(name);
                }
            }
        } catch (IOException _) {
            return List.of();
        }
        if (names.size() < 2 || !names.getFirst().matches("pci[0-9a-f]{4,8}:[0-9a-f]{2}")) {
            return List.of();
        }
        names.removeLast();
        return names;
    }

    /** Nearness of each two, without NVLinks, which only NVML knows. */
    public Topology topology(List<PciAddress> devices) {
        List<List<String>> bridges = devices.stream().map(this::bridges).toList();
        List<OptionalInt> nodes = devices.stream().map(this::numaNode).toList();
        Topology topology = Topology.of(devices.size());
        for (int a = 0; a < devices.size(); a++) {
            for (int b = a + 1; b < devices.size(); b++) {
                boolean sameNode = nodes.get(a).isPresent() && nodes.get(a).equals(nodes.get(b));
                Proximity level =
                        bridges.get(a).isEmpty() || bridges.get(b).isEmpty()
                                ? byNumbers(devices.get(a), devices.get(b), sameNode)
                                : byBridges(bridges.get(a), bridges.get(b), sameNode);
                topology = topology.with(a, b, level, 0);
            }
        }
        return topology;
    }

    /** A switch is one bridge on its upper side and one for each device below: beneath one common switch each device has at most its own bridge left. */
    static Proximity byBridges(List<String> a, List<String> b, boolean sameNode) {
        int common = 0;
        while (common < Math.min(a.size(), b.size()) && a.get(common).equals(b.get(common))) {
            common++;
        }
        if (common == 0) {
            return sameNode ? Proximity.NUMA_NODE : Proximity.SYSTEM;
        }
        if (common == 1) {
            return Proximity.HOST_BRIDGE;
        }
        int below = Math.max(a.size(), b.size()) - common;
        return below <= 1 ? Proximity.SINGLE_SWITCH : Proximity.MULTIPLE_SWITCHES;
    }

    private static Proximity byNumbers(PciAddress a, PciAddress b, boolean sameNode) {
        if (a.domain() == b.domain() && a.bus() == b.bus()) {
            return Proximity.SINGLE_SWITCH;
        }
        return sameNode ? Proximity.NUMA_NODE : Proximity.SYSTEM;
    }
}
