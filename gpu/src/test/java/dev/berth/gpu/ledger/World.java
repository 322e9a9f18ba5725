package dev.berth.gpu.ledger;

import dev.berth.gpu.Cleanliness;
import dev.berth.gpu.Device;
import dev.berth.gpu.DeviceException;
import dev.berth.gpu.DeviceId;
import dev.berth.gpu.DeviceTable;
import dev.berth.gpu.DeviceTable.DriverFacts;
import dev.berth.gpu.Topology;
import dev.berth.gpu.choice.Machines;
import dev.berth.isolator.ContainerConfig.DeviceNode;
import dev.berth.isolator.ContainerId;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;

/** What is true whatever an agent believes: devices, who may open them, what was left on them, and the journal's bytes. Survives the agent. */
final class World {
    /** What is left on a device. */
    enum Dirt {
        NONE,
        /** Goes away by itself. */
        PASSING,
        NEEDS_RESET,
        HOPELESS
    }

    /** A device of metal. */
    static final class Metal {
        final Device device;
        boolean present = true;
        Dirt dirt = Dirt.NONE;
        long passesNs;
        int numbers;

        Metal(Device device) {
            this.device = device;
        }
    }

    /** A look that was asked for. {@code seen}: what it saw, when it looked before it answers. */
    record Look(DeviceId device, long askedNs, Optional<Cleanliness> seen) {}

    final Random random;
    final Map<DeviceId, Metal> metal = new LinkedHashMap<>();
    final DeviceTable machine;

    /** Which devices the running containers may open: the kernel's truth. */
    final Map<ContainerId, Set<DeviceId>> access = new LinkedHashMap<>();

    final List<GrantRecord> journal = new ArrayList<>();
    final ArrayDeque<Look> looks = new ArrayDeque<>();
    final ArrayDeque<DeviceId> resets = new ArrayDeque<>();
    boolean journalFull;

    /** Whether records may be missing since it was full. */
    boolean journalLags;

    long generation = 1;
    long now = 1_000_000_000L;

    World(Random random) {
        this.random = random;
        int size = 1 + random.nextInt(8);
        machine =
                switch (random.nextInt(3)) {
                    case 0 -> Machines.switched(size, 18);
                    case 1 -> Machines.sockets(size);
                    default -> Machines.random(size, random);
                };
        machine.devices().forEach(device -> metal.put(device.id(), new Metal(device)));
    }

    DeviceTable table() {
        List<Integer> there = new ArrayList<>();
        List<Device> devices = new ArrayList<>();
        for (int i = 0; i < machine.devices().size(); i++) {
            Device device = machine.devices().get(i);
            Metal real = of(device.id());
            if (real.present) {
                there.add(i);
                devices.add(numbered(device, real.numbers));
            }
        }
        Topology topology = Topology.of(there.size());
        for (int a = 0; a < there.size(); a++) {
            for (int b = 0; b < a; b++) {
                topology =
                        topology.with(
                                a,
                                b,
                                machine.topology().proximity(there.get(a), there.get(b)),
                                machine.topology().nvLinks(there.get(a), there.get(b)));
            }
        }
        return new DeviceTable(
                generation,
                Machines.RESOURCE,
                DriverFacts.NONE,
                devices,
                topology,
                List.of(),
                List.of());
    }

    private static Device numbered(Device device, int numbers) {
        return new Device(
                device.id(),
                device.index(),
                device.model(),
                device.minor(),
                device.pci(),
                device.numaNode(),
                device.cpuList(),
                device.memoryBytes(),
                List.of(
                        new DeviceNode(
                                "/dev/nvidia" + device.index(),
                                'c',
                                195 + numbers,
                                device.index(),
                                0b110_110_110,
                                0,
                                0,
                                "rw")),
                device.attributes());
    }

    Metal of(DeviceId id) {
        Metal found = metal.get(id);
        if (found == null) {
            throw new AssertionError("no such device " + id);
        }
        return found;
    }

    Set<DeviceId> open(ContainerId container) {
        return access.computeIfAbsent(container, _ -> new LinkedHashSet<>());
    }

    boolean opened(DeviceId id) {
        return access.values().stream().anyMatch(ids -> ids.contains(id));
    }

    boolean clean(DeviceId id) {
        Metal real = of(id);
        if (real.dirt == Dirt.PASSING && real.passesNs <= now) {
            real.dirt = Dirt.NONE;
        }
        return !opened(id) && real.dirt == Dirt.NONE;
    }

    /** A container used the device and no longer does. */
    void soil(DeviceId id) {
        Metal real = of(id);
        int luck = random.nextInt(100);
        if (real.dirt == Dirt.HOPELESS || luck < 65) {
            return;
        }
        real.dirt = luck < 85 ? Dirt.PASSING : luck < 98 ? Dirt.NEEDS_RESET : Dirt.HOPELESS;
        real.passesNs = now + random.nextInt(1_200_000_000);
    }

    void ask(DeviceId id) {
        if (random.nextInt(50) == 0) {
            // Lost on the way: never answered.
            return;
        }
        looks.add(
                new Look(id, now, random.nextBoolean() ? Optional.of(look(id)) : Optional.empty()));
    }

    /** Takes the oldest look at some device: answers about one device come in order. */
    Look answerable() {
        DeviceId id = List.copyOf(looks).get(random.nextInt(looks.size())).device();
        for (Look look : looks) {
            if (look.device().equals(id)) {
                looks.remove(look);
                return look;
            }
        }
        throw new AssertionError("no look at " + id);
    }

    Cleanliness look(DeviceId id) {
        return new Cleanliness(
                List.of(),
                0,
                0,
                clean(id) ? Optional.empty() : Optional.of("left: " + of(id).dirt),
                of(id).dirt == Dirt.NEEDS_RESET || random.nextBoolean());
    }

    Optional<String> reset(DeviceId id) {
        if (random.nextInt(5) == 0) {
            return Optional.of("reset refused");
        }
        Metal real = of(id);
        real.dirt = real.dirt == Dirt.HOPELESS ? Dirt.HOPELESS : Dirt.NONE;
        return Optional.empty();
    }

    void append(GrantRecord record) throws DeviceException {
        if (journalFull) {
            throw new DeviceException("no space left on device");
        }
        journal.add(record);
    }
}
