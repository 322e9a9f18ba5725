package dev.berth.gpu.nvml;

import dev.berth.gpu.DeviceId;
import dev.berth.gpu.HealthSignal;
import dev.berth.gpu.HealthSignal.Kind;
import dev.berth.gpu.nvml.WorkerMessage.Condition;
import dev.berth.gpu.nvml.WorkerMessage.Noticed;
import dev.berth.gpu.nvml.WorkerMessage.Reading;
import dev.berth.nvml.NvmlEventSet;
import dev.berth.nvml.NvmlReturn;

import java.util.EnumSet;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.LongSupplier;

/** Turns readings and events into signals: a standing condition is said once when it comes up, not at every reading. */
final class HealthWatch {
    static final String SOURCE = "nvml";

    private final LongSupplier realtimeNs;
    private final Consumer<HealthSignal> out;
    private final Map<DeviceId, Last> last = new HashMap<>();
    private final Map<DeviceId, Integer> lastXid = new HashMap<>();

    private static final class Last {
        private int code;
        private int recoveryAction;
        private long uncorrectedEcc = -1;
        private Set<Condition> conditions = EnumSet.noneOf(Condition.class);
    }

    HealthWatch(LongSupplier realtimeNs, Consumer<HealthSignal> out) {
        this.realtimeNs = realtimeNs;
        this.out = out;
    }

    void say(Optional<DeviceId> device, Kind kind, int code, String detail, String source) {
        OptionalInt pid = OptionalInt.empty();
        long now = realtimeNs.getAsLong();
        out.accept(new HealthSignal(device, kind, code, pid, detail, source, now));
    }

    private void say(DeviceId device, Kind kind, int code, String detail) {
        say(Optional.of(device), kind, code, detail, SOURCE);
    }

    /** The last XID of a device; 0 when none came. */
    int lastXid(DeviceId device) {
        return lastXid.getOrDefault(device, 0);
    }

    /** After a reset, everything that is still there is news again. */
    void forget(DeviceId device) {
        last.remove(device);
        lastXid.remove(device);
    }

    void failed(DeviceId device, int code, String function) {
        Last before = last.computeIfAbsent(device, _ -> new Last());
        if (before.code == code) {
            return;
        }
        before.code = code;
        NvmlReturn returned = NvmlReturn.of(code);
        String detail = function + ": " + returned.words();
        switch (returned) {
            case GPU_IS_LOST -> say(device, Kind.GPU_LOST, code, detail);
            case RESET_REQUIRED -> say(device, Kind.RESET_REQUIRED, code, detail);
            default -> {
                // Of no known meaning for the device: it is in the reading's own words where one is
                // asked for.
            }
        }
    }

    void read(DeviceId device, Reading reading) {
        if (!reading.answered()) {
            failed(device, reading.code(), reading.function());
            return;
        }
        Last before = last.computeIfAbsent(device, _ -> new Last());
        before.code = 0;
        for (Condition condition : Condition.values()) {
            boolean there = reading.conditions().contains(condition);
            if (there && !before.conditions.contains(condition)) {
                kind(condition)
                        .ifPresent(kind -> say(device, kind, 0, CleanCheck.words(condition)));
            }
        }
        before.conditions = reading.conditions();
        int action = reading.recoveryAction();
        if (action >= 0 && action != before.recoveryAction) {
            before.recoveryAction = action;
            String words = "the driver asks for: " + RecoveryAction.words(action);
            say(device, Kind.RECOVERY_ACTION, action, words);
        }
        long errors = reading.uncorrectedEcc();
        if (errors >= 0) {
            // The first reading may count errors from before the agent: they are news when they
            // pend, not by themselves.
            if (before.uncorrectedEcc >= 0 && errors > before.uncorrectedEcc) {
                String words = errors + " uncorrected ECC errors since the driver was loaded";
                say(device, Kind.ECC_UNCORRECTED, 0, words);
            }
            before.uncorrectedEcc = errors;
        }
    }

    private static Optional<Kind> kind(Condition condition) {
        return switch (condition) {
            case REMAP_PENDING, RETIREMENT_PENDING -> Optional.of(Kind.ROW_REMAP_PENDING);
            case REMAP_FAILED -> Optional.of(Kind.ROW_REMAP_FAILED);
            case SRAM_THRESHOLD -> Optional.of(Kind.SRAM_THRESHOLD);
            case ECC_MODE_PENDING -> Optional.empty();
        };
    }

    void noticed(DeviceId device, Noticed event) {
        if (event.type() == NvmlEventSet.XID) {
            int xid = (int) event.data();
            lastXid.put(device, xid);
            String words =
                    xid == NvmlEventSet.UNKNOWN_XID ? "an XID unknown to NVML" : "XID " + xid;
            String where =
                    event.gpuInstance() == -1
                            ? ""
                            : " in MIG instance "
                                    + event.gpuInstance()
                                    + "/"
                                    + event.computeInstance();
            say(device, Kind.XID, xid, words + where);
        } else if (event.type() == NvmlEventSet.DOUBLE_BIT_ECC) {
            say(device, Kind.ECC_UNCORRECTED, 0, "double-bit ECC error");
        } else if (event.type() == NvmlEventSet.FATAL_POISON) {
            say(device, Kind.ECC_UNCORRECTED, 0, "fatal poison error");
        } else if (event.type() == NvmlEventSet.DRAM_RETIREMENT_FAILURE) {
            say(device, Kind.ROW_REMAP_FAILED, 0, "retirement of DRAM has failed");
        } else if (event.type() == NvmlEventSet.GPU_UNAVAILABLE) {
            say(device, Kind.GPU_LOST, 0, "the GPU is unavailable");
        }
        // The others say that something standing has changed: the reading that follows every event
        // tells what.
    }
}
