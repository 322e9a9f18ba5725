package dev.berth.gpu;

import java.util.Optional;
import java.util.OptionalInt;

/**
 * Something that a source says about a device's health; what follows from it is the health policy's matter.
 *
 * @param device empty when it concerns every device of the provider
 * @param code the XID or SXid, the recovery action, or 0
 * @param pid of the process at fault, in the host's namespace, where the source says so
 * @param detail the source's own words
 * @param source {@code nvml}, {@code kmsg}, {@code probe} ...
 */
public record HealthSignal(
        Optional<DeviceId> device,
        Kind kind,
        int code,
        OptionalInt pid,
        String detail,
        String source,
        long realtimeNs) {
    /** What is said. */
    public enum Kind {
        XID,
        /** Of an NVSwitch, from the kernel's log only; concerns every device. {@code code} is the SXid, the detail says {@code Fatal} or {@code Non-fatal}. */
        SXID,
        ECC_UNCORRECTED,
        ROW_REMAP_PENDING,
        ROW_REMAP_FAILED,
        SRAM_THRESHOLD,
        GPU_LOST,
        RESET_REQUIRED,
        /** NVML's field 230 or XID 154; {@code code} is nvmlDeviceGpuRecoveryAction_t. */
        RECOVERY_ACTION,
        /** The driver did not answer within the deadline. */
        PROBE_HUNG,
        /** It answers again. */
        PROBE_ANSWERS,
        /** Library and kernel module are of different versions. */
        VERSION_MISMATCH,
        /** Events were lost (kmsg overrun): every device must be looked at. */
        EVENTS_LOST
    }
}
