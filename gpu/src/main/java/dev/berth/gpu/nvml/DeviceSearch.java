package dev.berth.gpu.nvml;

import dev.berth.gpu.nvml.WorkerMessage.Gpu;
import dev.berth.gpu.nvml.WorkerMessage.Inventory;
import dev.berth.gpu.nvml.WorkerMessage.Near;
import dev.berth.gpu.nvml.WorkerMessage.Unanswered;
import dev.berth.nvml.NvmlDevice;
import dev.berth.nvml.NvmlException;
import dev.berth.nvml.NvmlLibrary;
import dev.berth.nvml.NvmlReturn;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** Finds every device, what it is and how near it is to the others. Thread: the worker's queries. */
final class DeviceSearch {
    /** Links of a device are numbered from 0; Blackwell has 18, the ABI allows so many. */
    private static final int MOST_LINKS = 36;

    private final NvmlLibrary library;
    private final CallClock clock;
    private final Questions questions;
    private final Map<Integer, NvmlDevice> found = new TreeMap<>();

    DeviceSearch(NvmlLibrary library, CallClock clock, Questions questions) {
        this.library = library;
        this.clock = clock;
        this.questions = questions;
    }

    /** Handles by index, after {@link #run}. */
    Map<Integer, NvmlDevice> found() {
        return found;
    }

    Inventory run(WorkerCommand.Discover command) throws NvmlException {
        questions.forget();
        String driver = library.driverVersion();
        String nvml = questions.ask(-1, "NVML version", library::nvmlVersion).orElse("");
        String cuda = questions.ask(-1, "CUDA version", library::cudaVersion).orElse("");
        int count = library.deviceCount();
        List<Gpu> gpus = new ArrayList<>();
        List<Unanswered> unanswered = new ArrayList<>();
        for (int index = 0; index < count; index++) {
            if (command.leavesAlone(index, count)) {
                continue;
            }
            clock.about(index);
            try {
                NvmlDevice device = library.deviceByIndex(index);
                gpus.add(describe(index, device));
                found.put(index, device);
            } catch (NvmlException e) {
                unanswered.add(new Unanswered(index, e.code(), e.function()));
            }
        }
        List<Near> near = near(gpus);
        clock.about(-1);
        return new Inventory(driver, nvml, cuda, count, gpus, unanswered, near);
    }

    private <T> Optional<T> ask(int index, String name, Questions.Question<T> question)
            throws NvmlException {
        return questions.ask(index, name, question);
    }

    private Gpu describe(int index, NvmlDevice device) throws NvmlException {
        // Without these two it is no device; the rest may be missing.
        String uuid = device.uuid();
        String name = device.name();
        Map<String, String> attributes = new TreeMap<>();
        ask(index, "architecture", device::architecture)
                .ifPresent(number -> attributes.put("architecture", architecture(number)));
        ask(index, "compute capability", device::computeCapability)
                .ifPresent(
                        is -> attributes.put("compute_capability", is.major() + "." + is.minor()));
        ask(index, "ECC mode", device::eccMode)
                .ifPresent(mode -> attributes.put("ecc", mode.current() ? "on" : "off"));
        ask(index, "MIG mode", device::migMode)
                .ifPresent(mode -> attributes.put("mig", mode.current() ? "on" : "off"));
        ask(index, "persistence mode", device::persistenceMode)
                .ifPresent(on -> attributes.put("persistence_mode", on ? "on" : "off"));
        ask(index, "serial", device::serial).ifPresent(is -> attributes.put("serial", is));
        ask(index, "VBIOS", device::vbios).ifPresent(is -> attributes.put("vbios", is));
        Optional<NvmlDevice.Memory> memory = ask(index, "memory", device::memory);
        return new Gpu(
                index,
                uuid,
                name,
                ask(index, "minor", device::minor).orElse(-1),
                ask(index, "PCI", device::pciBusId).orElse(""),
                memory.map(NvmlDevice.Memory::total).orElse(0L),
                memory.isPresent() && idle(index, device) ? memory.get().used() : -1,
                attributes);
    }

    private boolean idle(int index, NvmlDevice device) throws NvmlException {
        boolean known = false;
        for (NvmlDevice.ClientKind kind : NvmlDevice.ClientKind.values()) {
            Optional<List<NvmlDevice.Client>> clients =
                    ask(index, "processes " + kind, () -> device.processes(kind));
            if (clients.isPresent() && !clients.get().isEmpty()) {
                return false;
            }
            known |= clients.isPresent();
        }
        return known;
    }

    /** Names as nvidia-smi's documentation has them; a number for those to come. */
    static String architecture(int number) {
        return switch (number) {
            case 2 -> "Kepler";
            case 3 -> "Maxwell";
            case 4 -> "Pascal";
            case 5 -> "Volta";
            case 6 -> "Turing";
            case 7 -> "Ampere";
            case 8 -> "Ada";
            case 9 -> "Hopper";
            case 10 -> "Blackwell";
            case 13 -> "Rubin";
            default -> Integer.toString(number);
        };
    }

    private List<Near> near(List<Gpu> gpus) throws NvmlException {
        int n = gpus.size();
        int[][] direct = new int[n][n];
        int[] switched = new int[n];
        for (int i = 0; i < n; i++) {
            countLinks(gpus, i, direct[i], switched);
        }
        List<Near> near = new ArrayList<>();
        for (int i = 0; i < n; i++) {
            for (int j = 0; j < n; j++) {
                if (i == j) {
                    near.add(new Near(0, 0));
                    continue;
                }
                // Both ends report a link: the smaller number is what both agree on. Over the
                // switches every pair has what its poorer end has.
                int links =
                        Math.min(direct[i][j], direct[j][i]) + Math.min(switched[i], switched[j]);
                near.add(i < j ? new Near(ancestor(gpus, i, j), links) : near.get(j * n + i));
            }
        }
        return near;
    }

    /** nvmlGpuTopologyLevel_t; SYSTEM where it cannot be had. */
    private int ancestor(List<Gpu> gpus, int i, int j) throws NvmlException {
        int index = gpus.get(i).index();
        int other = gpus.get(j).index();
        clock.about(index);
        NvmlDevice one = found.get(index);
        NvmlDevice two = found.get(other);
        if (one == null || two == null) {
            return 50;
        }
        return answered(index, "nearness", () -> library.commonAncestor(one, two)).orElse(50);
    }

    /** Asks without letting a device that is lost by now end the discovery: its next reading tells. */
    private <T> Optional<T> answered(int index, String name, Questions.Question<T> question) {
        try {
            return questions.ask(index, name, question);
        } catch (NvmlException e) {
            return Optional.empty();
        }
    }

    private void countLinks(List<Gpu> gpus, int i, int[] direct, int[] switched) {
        int index = gpus.get(i).index();
        NvmlDevice device = found.get(index);
        if (device == null) {
            return;
        }
        clock.about(index);
        for (int link = 0; link < MOST_LINKS; link++) {
            int number = link;
            Optional<Boolean> active;
            try {
                active = Optional.of(device.nvLinkActive(number));
            } catch (NvmlException e) {
                if (e.returned() == NvmlReturn.NOT_SUPPORTED
                        || e.returned() == NvmlReturn.INVALID_ARGUMENT
                        || e.returned() == NvmlReturn.FUNCTION_NOT_FOUND
                        || Questions.fatal(e.returned())) {
                    // No links at all, or no more.
                    return;
                }
                active = Optional.empty();
            }
            if (active.orElse(false)) {
                int peer = peer(gpus, device, index, number);
                if (peer >= 0) {
                    direct[peer]++;
                } else {
                    switched[i]++;
                }
            }
        }
    }

    /** Position of the device at the other end; −1 for a switch, which is also what an end that is no GPU of ours is taken for where the driver does not tell. */
    private int peer(List<Gpu> gpus, NvmlDevice device, int index, int link) {
        Optional<Integer> type = answered(index, "link type", () -> device.nvLinkRemoteType(link));
        if (type.isPresent() && type.get() != NvmlDevice.REMOTE_GPU) {
            return -1;
        }
        Optional<String> busId = answered(index, "link peer", () -> device.nvLinkRemoteBusId(link));
        for (int j = 0; j < gpus.size(); j++) {
            if (busId.isPresent() && gpus.get(j).busId().equalsIgnoreCase(busId.get())) {
                return j;
            }
        }
        return -1;
    }
}
