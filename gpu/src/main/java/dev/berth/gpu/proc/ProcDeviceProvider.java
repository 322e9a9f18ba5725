package dev.berth.gpu.proc;

import dev.berth.gpu.Cleanliness;
import dev.berth.gpu.Device;
import dev.berth.gpu.DeviceEvent;
import dev.berth.gpu.DeviceException;
import dev.berth.gpu.DeviceId;
import dev.berth.gpu.DeviceMetric;
import dev.berth.gpu.DeviceProvider;
import dev.berth.gpu.DeviceSample;
import dev.berth.gpu.DeviceSample.ProcessUse;
import dev.berth.gpu.DeviceTable;
import dev.berth.gpu.HealthSignal;
import dev.berth.gpu.PciAddress;
import dev.berth.isolator.ContainerConfig.DeviceNode;
import dev.berth.linux.Linux;
import dev.berth.linux.Statx;

import org.jspecify.annotations.Nullable;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * NVIDIA GPUs without NVML: which there are, where they sit and their XIDs. For hosts where the library is missing, of another version than the driver, or hangs.
 *
 * <p>What it cannot say is memory. So a device is clean when nobody has it open and it was reset since it was last given out, or when {@link ProcSettings#trustOpenFiles} says that this is enough.
 *
 * <p>Thread: conductor.
 */
public final class ProcDeviceProvider implements DeviceProvider {
    private static final int UNKNOWN_MEMORY = -1;

    private final Linux linux;
    private final ProcSettings settings;
    private final HostFiles host;
    private final SysfsReset resets;
    private final OpenDevices openDevices;
    private final EventQueue events = new EventQueue();
    private final DeadlineLane lane = new DeadlineLane("berth-gpu-proc", events);
    private final Set<DeviceId> verifying = new HashSet<>();
    private final Set<DeviceId> resetting = new HashSet<>();
    private final Set<DeviceId> resetSinceUse = new HashSet<>();
    private final Map<DeviceId, Integer> lastXids = new HashMap<>();
    private @Nullable KmsgReader kmsg;
    private DeviceTable table = DeviceTable.empty(GpuSearch.RESOURCE_NAME);
    private boolean discovered;
    private boolean searching;
    private boolean sampling;
    private boolean closed;

    public ProcDeviceProvider(Linux linux, ProcSettings settings) {
        this.linux = linux;
        this.settings = settings;
        this.host = new HostFiles(settings.hostRoot());
        this.resets = new SysfsReset(host, linux.files());
        this.openDevices = new OpenDevices(linux, settings.procRoot());
    }

    @Override
    public String name() {
        return "proc";
    }

    @Override
    public String resourceName() {
        return GpuSearch.RESOURCE_NAME;
    }

    @Override
    public void onNews(Runnable wake) {
        events.onNews(wake);
        try {
            kmsg = KmsgReader.open(linux, host.at("dev/kmsg"), events::wake);
            events.add(new DeviceEvent.SourceChanged(true, ""));
        } catch (DeviceException e) {
            events.add(new DeviceEvent.SourceChanged(true, e.getMessage() + ": " + e.getCause()));
        }
        rescan();
    }

    /** Looks at the host again: after a driver was loaded anew, a GPU added or taken out. A changed table follows, or nothing. */
    public void rescan() {
        if (closed || searching) {
            return;
        }
        searching = true;
        long generation = discovered ? table.generation() : 1;
        lane.submit(
                "discovery",
                settings.searchNs(),
                () -> search(generation),
                reason ->
                        new DeviceEvent.SourceChanged(
                                false, "discovery in " + settings.hostRoot() + ": " + reason));
    }

    private DeviceEvent search(long generation) {
        GpuSearch search = new GpuSearch(host);
        DeviceTable found = search.run(generation);
        if (!search.leftOut().isEmpty()) {
            events.add(
                    new DeviceEvent.SourceChanged(
                            true, "left out: " + String.join("; ", search.leftOut())));
        }
        return new DeviceEvent.TableChanged(found);
    }

    @Override
    public int poll(DeviceEventHandler handler, int limit) {
        int[] swallowed = new int[1];
        int count = events.poll(event -> swallowed[0] += deliver(event, handler) ? 0 : 1, limit);
        if (kmsg != null && count < limit) {
            count +=
                    kmsg.poll(
                            signal -> deliver(new DeviceEvent.Signalled(signal), handler),
                            limit - count);
        }
        return count - swallowed[0];
    }

    /** What happened is noted here, on the conductor; false when it is no news. */
    private boolean deliver(DeviceEvent event, DeviceEventHandler handler) {
        switch (event) {
            case DeviceEvent.TableChanged(DeviceTable found) -> {
                searching = false;
                if (discovered && found.equals(table)) {
                    return false;
                }
                DeviceTable next =
                        discovered ? found.withGeneration(table.generation() + 1) : found;
                discovered = true;
                table = next;
                if (kmsg != null) {
                    kmsg.onTable(next);
                }
                handler.onEvent(new DeviceEvent.TableChanged(next));
                return true;
            }
            case DeviceEvent.Signalled(HealthSignal signal) -> {
                if (signal.kind() == HealthSignal.Kind.XID) {
                    signal.device().ifPresent(id -> lastXids.put(id, signal.code()));
                }
            }
            case DeviceEvent.Verified(DeviceId id, Cleanliness found) -> {
                verifying.remove(id);
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
            case DeviceEvent.SourceChanged changed -> searching &= changed.working();
        }
        handler.onEvent(event);
        return true;
    }

    @Override
    public void verify(DeviceId id) {
        if (closed || !verifying.add(id)) {
            return;
        }
        Optional<Device> device = table.find(id);
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
        String problem =
                "no process has "
                        + node
                        + " open, but how much of its memory is in use cannot be said without NVML";
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

    @Override
    public void reset(DeviceId id) {
        if (closed || !resetting.add(id)) {
            return;
        }
        Optional<Device> device = table.find(id);
        Optional<PciAddress> pci = device.flatMap(Device::pci);
        lane.submit(
                "reset",
                settings.resetNs(),
                () ->
                        new DeviceEvent.ResetEnded(
                                id,
                                pci.isEmpty()
                                        ? Optional.of(gone(id))
                                        : reset(device.orElseThrow(), pci.get())),
                reason -> new DeviceEvent.ResetEnded(id, Optional.of(reason)));
    }

    /** A driver does not let go of a device that is open, and waits in the kernel until it is closed: so look first. */
    private Optional<String> reset(Device device, PciAddress pci) {
        Set<Integer> pids = openDevices.search(lane::closed).of(numbers(device));
        return pids.isEmpty()
                ? resets.run(pci)
                : Optional.of(
                        "processes "
                                + pids
                                + " have "
                                + device.nodes().getFirst().path()
                                + " open: end them first (nvidia-persistenced among others)");
    }

    @Override
    public void sample() {
        if (closed || sampling) {
            return;
        }
        sampling = true;
        List<Device> devices = table.devices();
        Map<DeviceId, Integer> xids = Map.copyOf(lastXids);
        lane.submit(
                "sample",
                settings.searchNs(),
                () -> new DeviceEvent.Sampled(readings(devices, xids)),
                _ -> new DeviceEvent.Sampled(List.of()));
    }

    private List<DeviceSample> readings(List<Device> devices, Map<DeviceId, Integer> xids) {
        OpenDevices.Found found = openDevices.search(lane::closed);
        List<DeviceSample> samples = new ArrayList<>();
        for (Device device : devices) {
            List<ProcessUse> processes =
                    found.of(numbers(device)).stream()
                            .map(pid -> new ProcessUse(pid, "open", UNKNOWN_MEMORY))
                            .toList();
            Map<DeviceMetric, Double> values =
                    Map.of(DeviceMetric.XID_ERRORS, (double) xids.getOrDefault(device.id(), 0));
            samples.add(new DeviceSample(device.id(), KmsgReader.realtimeNs(), values, processes));
        }
        return samples;
    }

    @Override
    public void close() {
        if (closed) {
            return;
        }
        closed = true;
        lane.close();
        if (kmsg != null) {
            kmsg.close();
        }
    }
}
