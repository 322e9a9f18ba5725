package dev.berth.gpu.broken;

import dev.berth.nvml.NvmlDevice;
import dev.berth.nvml.NvmlException;

/** Breaks a wall on purpose: a call that may block for ever, outside of the process that may be killed for it. */
public final class CallsNvml {
    public String name(NvmlDevice device) throws NvmlException {
        return device.name();
    }
}
