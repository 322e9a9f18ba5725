package dev.berth.gpu.nvml;

import dev.berth.gpu.Device;
import dev.berth.gpu.DeviceId;
import dev.berth.gpu.DeviceSample;

import java.util.List;

/** What the worker is at. */
sealed interface Doing {
    record Nothing() implements Doing {}

    record Starting() implements Doing {}

    /** @param probing a device that hung is among those that are asked: opening it may not take longer than a query */
    record Discovering(boolean probing) implements Doing {}

    /** @param quiet for the health of the devices only */
    record Sampling(boolean quiet, List<DeviceSample> got) implements Doing {}

    record Verifying(DeviceId id) implements Doing {}

    record LettingGo(Device device) implements Doing {}

    /** A command is under way. */
    default boolean busy() {
        return !(this instanceof Nothing);
    }
}
