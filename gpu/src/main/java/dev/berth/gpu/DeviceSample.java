package dev.berth.gpu;

import java.util.List;
import java.util.Map;

/**
 * One reading of a device.
 *
 * @param values what could be read; a metric that the device does not have is not there
 * @param processes who uses it, host pids
 */
public record DeviceSample(
        DeviceId device,
        long realtimeNs,
        Map<DeviceMetric, Double> values,
        List<ProcessUse> processes) {
    public DeviceSample {
        values = Map.copyOf(values);
        processes = List.copyOf(processes);
    }

    /** @param memoryBytes −1 when the driver does not say */
    public record ProcessUse(int pid, String type, long memoryBytes) {}
}
