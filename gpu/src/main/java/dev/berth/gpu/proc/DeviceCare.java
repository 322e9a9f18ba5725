package dev.berth.gpu.proc;

import dev.berth.gpu.Cleanliness;
import dev.berth.gpu.Device;
import dev.berth.gpu.DeviceEvent;
import dev.berth.gpu.DeviceId;
import dev.berth.gpu.DeviceMetric;
import dev.berth.gpu.DeviceSample;
import dev.berth.gpu.DeviceSample.ProcessUse;
import dev.berth.gpu.PciAddress;
import dev.berth.isolator.ContainerConfig.DeviceNode;
import dev.berth.linux.Linux;
import dev.berth.linux.Statx;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;

/**
 * Verification, reset and sampling of devices of which nothing is known but their nodes: who has them open, and what sysfs can reset. For providers without a library of the vendor's.
 *
 * <p>What is left in a device's memory cannot be seen this way. So a device is clean when nobody has it open and it was reset since it was last found clean, or when the settings say that nobody's having it open is
 * enough: drivers free what a process had when it closes the device.
 *
 * <p>Thread: conductor; the work is done on the lane, and the answers come through the queue, which hands each back to {@link #note}.
 */
public final class DeviceCare {
    private static final int UNKNOWN_MEMORY = -1;

    private final SysfsReset resets;
    private final OpenDevices openDevices;
    private final DeadlineLane lane;
    private final Settings settings;
    private final Set<DeviceId> verifying = new HashSet<>();
    private final Set<DeviceId> resetting = new HashSet<>();
    private final Set<DeviceId> resetSinceUse = new HashSet<>();
    private boolean sampling;

    /**
     * How it works.
     *
     * @param hostRoot where sysfs is below
     * @param procRoot where the processes are
     * @param trustOpenFiles whether a device that no process has open counts as clean
     * @param unknown what cannot be seen, the end of a sentence, such as {@code how much of its memory is in use cannot be said without NVML}
     */
    public record Settings(
            Path hostRoot,
            Path procRoot,
            boolean trustOpenFiles,
            String unknown,
            long searchNs,
            long resetNs) {}

    public DeviceCare(Linux linux, DeadlineLane lane, Settings settings) {
        this.resets = new SysfsReset(new HostFiles(settings.hostRoot()), linux.files());
        this.openDevices = new OpenDevices(linux, settings.procRoot());
        this.lane = lane;
        this.settings = settings;
    }

    /** An answer is delivered. */
    public void note(DeviceEvent event) {
        switch (event) {
            case DeviceEvent.Verified(DeviceId id, Cleanliness found) -> {
                verifying.remove(id);
                // Whoever holds it next leaves something behind; and whoever has it open has used
                // it.
                if (found.clean() || !found.pids().isEmpty()) {
                    resetSinceUse.remove(id);
                }
            }
            case DeviceEvent.ResetEnded(DeviceId id, Optional<String> failure) -> {
                resetting.remove(id);
                if (failure.isEmpty()) {
                    resetSinceUse.add(id);
                }
            }
            case DeviceEvent.Sampled _ -> sampling = false;
            case DeviceEvent.TableChanged _,
                    DeviceEvent.Signalled _,
                    DeviceEvent.SourceChanged _ -> {}
        }
    }

    /** {@code device} empty: there is none of that id, which is the answer. */
    public void verify(DeviceId id, Optional<Device> device) {
        if (!verifying.add(id)) {
            return;
        }
        boolean wasReset = resetSinceUse.contains(id);
        lane.submit(
                "verification",
                settings.searchNs(),
                () ->
                        new DeviceEvent.Verified(
                                id,
                                device.map(found -> look(found, wasReset))
                                        .orElseGet(() -> unknown(gone(id)))),
                reason -> new DeviceEvent.Verified(id, unknown(reason)));
    }

    private static String gone(DeviceId id) {
        return "there is no device " + id;
    }

    private static Cleanliness unknown(String problem) {
        return new Cleanliness(List.of(), UNKNOWN_MEMORY, 0, Optional.of(problem), false);
    }

    private Cleanliness look(Device device, boolean wasReset) {
        OpenDevices.Found found = openDevices.search(lane::closed);
        Set<Integer> pids = found.of(numbers(device));
        String node = device.nodes().getFirst().path();
        if (!pids.isEmpty()) {
            String problem = "processes " + pids + " have " + node + " open";
            return new Cleanliness(
                    List.copyOf(pids), UNKNOWN_MEMORY, 0, Optional.of(problem), false);
        }
        if (found.unseen().isPresent()) {
            return unknown(
                    "whether " + node + " is in use cannot be said: " + found.unseen().get());
        }
        if (wasReset || settings.trustOpenFiles()) {
            return new Cleanliness(List.of(), UNKNOWN_MEMORY, 0, Optional.empty(), false);
        }
        String problem = "no process has " + node + " open, but " + settings.unknown();
        boolean resetHelps = device.pci().map(resets::possible).orElse(false);
        return new Cleanliness(List.of(), UNKNOWN_MEMORY, 0, Optional.of(problem), resetHelps);
    }

    private static List<Long> numbers(Device device) {
        List<Long> numbers = new ArrayList<>();
        for (DeviceNode node : device.nodes()) {
            numbers.add(Statx.makedev(node.major(), node.minor()));
        }
        return numbers;
    }

    /** As {@link #verify}. */
    public void reset(DeviceId id, Optional<Device> device) {
        if (!resetting.add(id)) {
            return;
        }
        lane.submit(
                "reset",
                settings.resetNs(),
                () ->
                        new DeviceEvent.ResetEnded(
                                id, device.map(this::reset).orElseGet(() -> Optional.of(gone(id)))),
                reason -> new DeviceEvent.ResetEnded(id, Optional.of(reason)));
    }

    /** A driver does not let go of a device that is open, and waits in the kernel until it is closed: so look first. */
    private Optional<String> reset(Device device) {
        Optional<PciAddress> pci = device.pci();
        if (pci.isEmpty()) {
            return Optional.of(device.id() + " is no PCI device: there is no way to reset it");
        }
        Set<Integer> pids = openDevices.search(lane::closed).of(numbers(device));
        return pids.isEmpty()
                ? resets.run(pci.get())
                : Optional.of(
                        "processes "
                                + pids
                                + " have "
                                + device.nodes().getFirst().path()
                                + " open: end them first (the vendor's daemons among others)");
    }

    /** {@code values}: what the provider itself knows of a device. */
    public void sample(List<Device> devices, Function<DeviceId, Map<DeviceMetric, Double>> values) {
        if (sampling) {
            return;
        }
        sampling = true;
        lane.submit(
                "sample",
                settings.searchNs(),
                () -> new DeviceEvent.Sampled(readings(devices, values)),
                _ -> new DeviceEvent.Sampled(List.of()));
    }

    private List<DeviceSample> readings(
            List<Device> devices, Function<DeviceId, Map<DeviceMetric, Double>> values) {
        OpenDevices.Found found = openDevices.search(lane::closed);
        List<DeviceSample> samples = new ArrayList<>();
        for (Device device : devices) {
            List<ProcessUse> processes =
                    found.of(numbers(device)).stream()
                            .map(pid -> new ProcessUse(pid, "open", UNKNOWN_MEMORY))
                            .toList();
            samples.add(
                    new DeviceSample(
                            device.id(),
                            KmsgReader.realtimeNs(),
                            values.apply(device.id()),
                            processes));
        }
        return samples;
    }
}
