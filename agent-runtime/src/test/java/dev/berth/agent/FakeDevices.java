package dev.berth.agent;

import dev.berth.gpu.Cleanliness;
import dev.berth.gpu.Device;
import dev.berth.gpu.DeviceEvent;
import dev.berth.gpu.DeviceId;
import dev.berth.gpu.DeviceMetric;
import dev.berth.gpu.DeviceProvider;
import dev.berth.gpu.DeviceSample;
import dev.berth.gpu.DeviceTable;
import dev.berth.gpu.HealthSignal;
import dev.berth.gpu.PciAddress;
import dev.berth.gpu.Topology;
import dev.berth.isolator.ContainerConfig.DeviceNode;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;

/** GPUs without a driver: clean when asked, unless a test says otherwise. Any thread may steer it. */
final class FakeDevices implements DeviceProvider {
    final AtomicInteger commands = new AtomicInteger();
    final Set<DeviceId> silent = ConcurrentHashMap.newKeySet();
    final Set<DeviceId> dirty = ConcurrentHashMap.newKeySet();
    final List<DeviceId> resets = java.util.Collections.synchronizedList(new ArrayList<>());
    private final ConcurrentLinkedQueue<DeviceEvent> events = new ConcurrentLinkedQueue<>();
    private final int count;
    private volatile Runnable wake = () -> {};

    FakeDevices(int count) {
        this.count = count;
    }

    static DeviceId id(int index) {
        return new DeviceId("GPU-" + index + "0000000");
    }

    static DeviceTable table(int count) {
        List<Device> devices = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            devices.add(
                    new Device(
                            id(i),
                            i,
                            "NVIDIA Test",
                            OptionalInt.of(i),
                            PciAddress.parse("0000:0" + (i + 1) + ":00.0"),
                            OptionalInt.of(0),
                            "0-1",
                            1L << 30,
                            List.of(node("/dev/nvidia" + i, i)),
                            Map.of("architecture", "Test")));
        }
        return new DeviceTable(
                1,
                "nvidia.com/gpu",
                new DeviceTable.DriverFacts("580.1", "13.580.1", "13.0", "fake"),
                devices,
                Topology.of(count),
                List.of(node("/dev/nvidiactl", 255)),
                List.of(node("/dev/nvidia-modeset", 254)));
    }

    private static DeviceNode node(String path, int minor) {
        return new DeviceNode(path, 'c', 195, minor, 0666, 0, 0, "rw");
    }

    void tell(DeviceEvent event) {
        events.add(event);
        wake.run();
    }

    void signal(int index, HealthSignal.Kind kind, int code) {
        tell(
                new DeviceEvent.Signalled(
                        new HealthSignal(
                                Optional.of(id(index)),
                                kind,
                                code,
                                OptionalInt.empty(),
                                "as a test says",
                                "fake",
                                System.currentTimeMillis() * 1_000_000L)));
    }

    @Override
    public String name() {
        return "fake";
    }

    @Override
    public String resourceName() {
        return "nvidia.com/gpu";
    }

    @Override
    public void onNews(Runnable news) {
        wake = news;
        tell(new DeviceEvent.SourceChanged(true, ""));
        tell(new DeviceEvent.TableChanged(table(count)));
    }

    @Override
    public int poll(DeviceEventHandler handler, int limit) {
        int told = 0;
        for (DeviceEvent event = events.poll();
                event != null;
                event = told < limit ? events.poll() : null) {
            handler.onEvent(event);
            told++;
        }
        return told;
    }

    /** The answer to a look that was withheld. */
    void answer(DeviceId id) {
        silent.remove(id);
        tell(new DeviceEvent.Verified(id, look(id)));
    }

    private Cleanliness look(DeviceId id) {
        return dirty.contains(id)
                ? new Cleanliness(List.of(), 1 << 20, 0, Optional.of("1 MiB is left"), true)
                : new Cleanliness(List.of(), 0, 0, Optional.empty(), false);
    }

    @Override
    public void verify(DeviceId id) {
        commands.incrementAndGet();
        if (!silent.contains(id)) {
            tell(new DeviceEvent.Verified(id, look(id)));
        }
    }

    @Override
    public void reset(DeviceId id) {
        commands.incrementAndGet();
        resets.add(id);
        tell(new DeviceEvent.ResetEnded(id, Optional.empty()));
    }

    @Override
    public void sample() {
        commands.incrementAndGet();
        List<DeviceSample> samples = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            samples.add(
                    new DeviceSample(
                            id(i),
                            1,
                            Map.of(DeviceMetric.GPU_TEMP, 40.0 + i, DeviceMetric.FB_USED, 12.5),
                            List.of(new DeviceSample.ProcessUse(100 + i, "C", 1 << 20))));
        }
        tell(new DeviceEvent.Sampled(samples));
    }

    @Override
    public void close() {}
}
