package dev.berth.nvml;

import com.sun.jna.Pointer;

import java.util.Optional;

/** Events of devices that can be waited for. Thread: one at a time. */
public final class NvmlEventSet implements AutoCloseable {
    /** Bits of an event's type and of {@link NvmlDevice#supportedEvents}: nvmlEventType. */
    public static final long DOUBLE_BIT_ECC = 0x2;

    public static final long XID = 0x8;
    public static final long MIG_CONFIG_CHANGE = 0x100;
    public static final long DRAM_RETIREMENT = 0x400;
    public static final long DRAM_RETIREMENT_FAILURE = 0x800;
    public static final long FATAL_POISON = 0x2000;
    public static final long GPU_UNAVAILABLE = 0x4000;
    public static final long RECOVERY_ACTION = 0x8000;

    /** {@code eventData} of an XID whose number the driver does not know. */
    public static final long UNKNOWN_XID = 999;

    private final NvmlCalls calls;
    private final Pointer set;

    NvmlEventSet(NvmlCalls calls, Pointer set) {
        this.calls = calls;
        this.set = set;
    }

    /**
     * One event.
     *
     * @param type exactly one bit
     * @param data of an XID its number
     * @param gpuInstance MIG instance, −1 for the whole GPU
     */
    public record Event(
            NvmlDevice device, long type, long data, int gpuInstance, int computeInstance) {}

    /** @param types bits that the device supports: others are refused with {@link NvmlReturn#NOT_SUPPORTED} */
    public void register(NvmlDevice device, long types) throws NvmlException {
        calls.check(NvmlSymbol.nvmlDeviceRegisterEvents, device.handle(), types, set);
    }

    /** {@code nvmlEventSetWait_v2}; empty when none came within the time. */
    public Optional<Event> await(int milliseconds) throws NvmlException {
        NvmlStructs.EventData data = new NvmlStructs.EventData();
        int code = calls.call(NvmlSymbol.nvmlEventSetWait_v2, set, data, milliseconds);
        if (code == NvmlReturn.TIMEOUT.code()) {
            return Optional.empty();
        }
        if (code != NvmlReturn.SUCCESS.code()) {
            throw calls.failure(NvmlSymbol.nvmlEventSetWait_v2, code);
        }
        return Optional.of(
                new Event(
                        new NvmlDevice(calls, data.device),
                        data.eventType,
                        data.eventData,
                        data.gpuInstanceId,
                        data.computeInstanceId));
    }

    /** {@code nvmlEventSetFree}; what it returns is of no use any more. */
    @Override
    public void close() {
        calls.call(NvmlSymbol.nvmlEventSetFree, set);
    }
}
