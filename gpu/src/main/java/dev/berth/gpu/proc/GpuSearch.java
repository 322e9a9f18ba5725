package dev.berth.gpu.proc;

import dev.berth.gpu.Device;
import dev.berth.gpu.DeviceId;
import dev.berth.gpu.DeviceTable;
import dev.berth.gpu.DeviceTable.DriverFacts;
import dev.berth.gpu.PciAddress;
import dev.berth.isolator.ContainerConfig.DeviceNode;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Finds the GPUs that the NVIDIA driver drives, from files alone. In the order of PCI, as NVML numbers them. Thread: lane. */
final class GpuSearch {
    static final String RESOURCE_NAME = "nvidia.com/gpu";

    private static final String GPUS = "proc/driver/nvidia/gpus";
    private static final Pattern VERSION =
            Pattern.compile("\\s(\\d{3,4}\\.\\d{1,4}(?:\\.\\d{1,4})?)\\s");
    private static final Pattern NUMBERS = Pattern.compile("(\\d{1,4}):(\\d{1,7})");

    private final HostFiles host;
    private final List<String> leftOut = new ArrayList<>();

    GpuSearch(HostFiles host) {
        this.host = host;
    }

    /** GPUs that are there and cannot be given out, with the reason; after {@link #run}. */
    List<String> leftOut() {
        return leftOut;
    }

    DeviceTable run(long generation) {
        NvidiaNodes nodes = NvidiaNodes.read(host);
        List<DeviceNode> withheld = new ArrayList<>(nodes.withheld());
        List<GpuInformation> found = new ArrayList<>();
        for (String directory : host.names(GPUS)) {
            host.text(GPUS + "/" + directory + "/information")
                    .flatMap(text -> GpuInformation.parse(directory, text))
                    .filter(gpu -> givenOut(gpu, nodes, withheld))
                    .ifPresent(found::add);
        }
        found.sort(Comparator.comparing(GpuInformation::pci));
        PciTree tree = new PciTree(host);
        List<Device> devices = new ArrayList<>();
        List<PciAddress> addresses = new ArrayList<>();
        Set<DeviceId> ids = new HashSet<>();
        for (GpuInformation gpu : found) {
            if (!ids.add(gpu.id())) {
                leftOut.add(gpu.pci() + ": another GPU has its UUID " + gpu.id());
                continue;
            }
            devices.add(device(gpu, devices.size(), nodes, tree));
            addresses.add(gpu.pci());
            withheld.addAll(displayNodes(gpu.pci()));
        }
        return new DeviceTable(
                generation,
                RESOURCE_NAME,
                new DriverFacts(
                        version(host.text("proc/driver/nvidia/version").orElse("")),
                        "",
                        "",
                        "proc"),
                devices,
                tree.topology(addresses),
                nodes.control(),
                withheld);
    }

    private boolean givenOut(GpuInformation gpu, NvidiaNodes nodes, List<DeviceNode> withheld) {
        if (gpu.minor().isEmpty()) {
            leftOut.add(gpu.pci() + ": the driver does not name its device minor");
            return false;
        }
        if (gpu.excluded()) {
            leftOut.add(gpu.pci() + ": excluded by the driver's settings");
            withheld.addAll(nodes.gpu(gpu.minor().getAsInt()));
            return false;
        }
        return true;
    }

    private static Device device(GpuInformation gpu, int index, NvidiaNodes nodes, PciTree tree) {
        Map<String, String> attributes = new TreeMap<>();
        if (!gpu.videoBios().isEmpty() && !gpu.videoBios().contains("?")) {
            attributes.put("vbios", gpu.videoBios());
        }
        OptionalInt minor = gpu.minor();
        return new Device(
                gpu.id(),
                index,
                gpu.model(),
                minor,
                Optional.of(gpu.pci()),
                tree.numaNode(gpu.pci()),
                tree.cpuList(gpu.pci()),
                0,
                nodes.gpu(minor.orElseThrow()),
                attributes);
    }

    /** The DRM nodes of a GPU: display and rendering, which compute does not need. */
    private List<DeviceNode> displayNodes(PciAddress pci) {
        List<DeviceNode> nodes = new ArrayList<>();
        String drm = "sys/bus/pci/devices/" + pci + "/drm";
        for (String name : host.names(drm)) {
            Matcher numbers = NUMBERS.matcher(host.line(drm + "/" + name + "/dev"));
            if (numbers.matches() && name.matches("(card|renderD)\\d{1,4}")) {
                int major = Integer.parseInt(numbers.group(1));
                int minor = Integer.parseInt(numbers.group(2));
                nodes.add(new DeviceNode("/dev/dri/" + name, 'c', major, minor, 0660, 0, 0, "rw"));
            }
        }
        return nodes;
    }

    /** The first word of the first line that looks like a driver's version. */
    static String version(String text) {
        int end = text.indexOf('\n');
        Matcher found = VERSION.matcher(" " + (end < 0 ? text : text.substring(0, end)) + " ");
        return found.find() ? found.group(1) : "";
    }
}
