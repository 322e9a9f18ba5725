package dev.berth.gpu.chardev;

import dev.berth.gpu.Device;
import dev.berth.gpu.DeviceId;
import dev.berth.gpu.DeviceTable;
import dev.berth.gpu.PciAddress;
import dev.berth.gpu.Topology;
import dev.berth.gpu.chardev.CharResource.Node;
import dev.berth.gpu.chardev.CharResource.Numbers;
import dev.berth.gpu.chardev.CharResource.Source;
import dev.berth.gpu.proc.HostFiles;
import dev.berth.gpu.proc.PciTree;
import dev.berth.isolator.ContainerConfig.DeviceNode;
import dev.berth.linux.ErrnoException;
import dev.berth.linux.Fd;
import dev.berth.linux.Linux;
import dev.berth.linux.Statx;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;

/** Finds the devices of one resource. Thread: lane. */
final class CharSearch {
    private final Linux linux;
    private final HostFiles host;
    private final CharResource resource;
    private final List<String> leftOut = new ArrayList<>();

    CharSearch(Linux linux, HostFiles host, CharResource resource) {
        this.linux = linux;
        this.host = host;
        this.resource = resource;
    }

    /** A device before it has a number and an identity. */
    private record Candidate(
            String name, boolean named, List<DeviceNode> nodes, Optional<PciAddress> pci) {}

    /** What is configured, or there, and cannot be given out, with the reason; after {@link #run}. */
    List<String> leftOut() {
        return leftOut;
    }

    DeviceTable run() {
        List<Candidate> candidates = new ArrayList<>();
        for (Source source : resource.sources()) {
            switch (source) {
                case Source.Matching matching -> matching(matching, candidates);
                case Source.Named(String id, List<Node> nodes) ->
                        nodes(nodes).ifPresent(found -> candidates.add(candidate(id, true, found)));
            }
        }
        List<Candidate> once = once(candidates);
        boolean byAddress = eachHasItsOwnAddress(once);
        PciTree tree = new PciTree(host);
        List<Device> devices = new ArrayList<>();
        Set<DeviceId> ids = new HashSet<>();
        for (Candidate one : once) {
            Device device = device(one, devices.size(), byAddress, tree);
            if (ids.add(device.id())) {
                devices.add(device);
            } else {
                leftOut.add(
                        one.nodes().getFirst().path()
                                + ": another device has the id "
                                + device.id());
            }
        }
        return new DeviceTable(
                1,
                resource.resourceName(),
                new DeviceTable.DriverFacts("", "", "", "char/" + resource.name()),
                devices,
                topology(devices, tree),
                present(resource.controlNodes()),
                present(resource.withheldNodes()));
    }

    private void matching(Source.Matching matching, List<Candidate> to) {
        record Match(String name, String number) {}
        List<Match> matches = new ArrayList<>();
        for (String name : host.names(matching.glob().directory())) {
            matching.glob().match(name).ifPresent(number -> matches.add(new Match(name, number)));
        }
        matches.sort(
                Comparator.comparingLong(
                                (Match m) -> m.number().isEmpty() ? 0 : Long.parseLong(m.number()))
                        .thenComparing(Match::name));
        for (Match match : matches) {
            List<Node> nodes = new ArrayList<>();
            nodes.add(new Node(matching.glob().directory() + "/" + match.name(), Optional.empty()));
            for (String further : matching.with()) {
                nodes.add(new Node(further.replace("#", match.number()), Optional.empty()));
            }
            nodes(nodes).ifPresent(found -> to.add(candidate(match.name(), false, found)));
        }
    }

    private Candidate candidate(String name, boolean named, List<DeviceNode> nodes) {
        return new Candidate(name, named, nodes, pci(nodes.getFirst()));
    }

    /** All of them, or empty when one is not there: a device without a part of it is none. */
    private Optional<List<DeviceNode>> nodes(List<Node> wanted) {
        List<DeviceNode> nodes = new ArrayList<>();
        for (Node node : wanted) {
            Optional<DeviceNode> found = node(node);
            if (found.isEmpty()) {
                leftOut.add(
                        wanted.getFirst().path() + ": there is no character device " + node.path());
                return Optional.empty();
            }
            nodes.add(found.get());
        }
        return Optional.of(nodes);
    }

    private List<DeviceNode> present(List<Node> wanted) {
        return wanted.stream().flatMap(node -> node(node).stream()).toList();
    }

    private Optional<DeviceNode> node(Node node) {
        Optional<Statx> found = Optional.empty();
        try {
            found =
                    linux.files()
                            .statx(Fd.CWD, host.at(node.path()).toString(), 0)
                            .filter(Statx::isCharDevice);
        } catch (ErrnoException _) {
            // Not to be looked at: the configured numbers count, or there is none.
        }
        Optional<Numbers> numbers = node.numbers();
        if (numbers.isEmpty()) {
            numbers = found.map(st -> new Numbers(Statx.major(st.rdev()), Statx.minor(st.rdev())));
        }
        int mode = resource.mode().orElse(found.map(st -> st.mode() & 0777).orElse(0666));
        int uid = found.map(Statx::uid).orElse(0);
        int gid = found.map(Statx::gid).orElse(0);
        return numbers.map(at ->
                new DeviceNode(node.path(), 'c', at.major(), at.minor(), mode, uid, gid, "rw"));
    }

    /** A node that two patterns match is one device: the first pattern's. */
    private List<Candidate> once(List<Candidate> candidates) {
        List<Candidate> once = new ArrayList<>();
        Set<Long> numbers = new HashSet<>();
        for (Candidate one : candidates) {
            List<Long> own =
                    one.nodes().stream().map(n -> Statx.makedev(n.major(), n.minor())).toList();
            if (own.stream().anyMatch(numbers::contains)) {
                leftOut.add(
                        one.nodes().getFirst().path()
                                + ": one of its nodes belongs to another device of this resource");
                continue;
            }
            numbers.addAll(own);
            once.add(one);
        }
        return once;
    }

    private static boolean eachHasItsOwnAddress(List<Candidate> candidates) {
        Set<PciAddress> seen = new HashSet<>();
        return candidates.stream()
                .filter(one -> !one.named())
                .allMatch(one -> one.pci().isPresent() && seen.add(one.pci().get()));
    }

    /** The numbers of nodes change with the next boot, addresses seldom: where each device has its own address, that is its name. */
    private DeviceId id(Candidate one, boolean byAddress) {
        String own =
                !one.named() && byAddress
                        ? one.pci().orElseThrow().toString()
                        : one.name().replaceAll("[^A-Za-z0-9._:-]", "-");
        return new DeviceId(resource.name() + "-" + own);
    }

    private Device device(Candidate one, int index, boolean byAddress, PciTree tree) {
        return new Device(
                id(one, byAddress),
                index,
                resource.model(),
                OptionalInt.of(one.nodes().getFirst().minor()),
                one.pci(),
                one.pci().map(tree::numaNode).orElse(OptionalInt.empty()),
                one.pci().map(tree::cpuList).orElse(""),
                0,
                one.nodes(),
                Map.copyOf(resource.attributes()));
    }

    /** The PCI device that a node's driver belongs to, from {@code /sys/dev/char/MAJOR:MINOR}. */
    private Optional<PciAddress> pci(DeviceNode node) {
        try {
            Path real = host.at("sys/dev/char/" + node.major() + ":" + node.minor()).toRealPath();
            Optional<PciAddress> found = Optional.empty();
            for (Path part : real) {
                if (part.toString().matches("[0-9a-f]{4,8}:[0-9a-f]{2}:[0-9a-f]{2}\\.[0-7]")) {
                    found = PciAddress.parse(part.toString());
                }
            }
            return found;
        } catch (IOException _) {
            return Optional.empty();
        }
    }

    private static Topology topology(List<Device> devices, PciTree tree) {
        if (devices.stream().allMatch(device -> device.pci().isPresent())) {
            return tree.topology(
                    devices.stream().map(device -> device.pci().orElseThrow()).toList());
        }
        return Topology.of(devices.size());
    }
}
