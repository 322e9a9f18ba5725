package dev.berth.nvml;

import com.sun.jna.Pointer;
import com.sun.jna.Structure;
import com.sun.jna.Structure.FieldOrder;

/** NVML's structs as JNA sees them, fields under their C names and in their C order. Public because JNA reads them by reflection; nothing outside this package uses them. */
@SuppressWarnings("MemberName")
final class NvmlStructs {
    private NvmlStructs() {}

    /** Lets {@link NvmlLayout} ask where JNA puts a field. */
    public abstract static class Described extends Structure {
        final int offsetOf(String field) {
            return fieldOffset(field);
        }
    }

    @FieldOrder({
        "busIdLegacy",
        "domain",
        "bus",
        "device",
        "pciDeviceId",
        "pciSubSystemId",
        "busId"
    })
    public static final class PciInfo extends Described {
        public byte[] busIdLegacy = new byte[16];
        public int domain;
        public int bus;
        public int device;
        public int pciDeviceId;
        public int pciSubSystemId;
        public byte[] busId = new byte[32];
    }

    @FieldOrder({"gpu", "memory"})
    public static final class Utilization extends Described {
        public int gpu;
        public int memory;
    }

    @FieldOrder({"total", "free", "used"})
    public static final class Memory extends Described {
        public long total;
        public long free;
        public long used;
    }

    @FieldOrder({"version", "total", "reserved", "free", "used"})
    public static final class MemoryV2 extends Described {
        public int version = NvmlLayout.MEMORY_V2.versionWord();
        public long total;
        public long reserved;
        public long free;
        public long used;
    }

    @FieldOrder({"pid", "usedGpuMemory", "gpuInstanceId", "computeInstanceId"})
    public static final class ProcessInfo extends Described {
        public int pid;
        public long usedGpuMemory;
        public int gpuInstanceId;
        public int computeInstanceId;
    }

    @FieldOrder({"device", "eventType", "eventData", "gpuInstanceId", "computeInstanceId"})
    public static final class EventData extends Described {
        public Pointer device = Pointer.NULL;
        public long eventType;
        public long eventData;
        public int gpuInstanceId;
        public int computeInstanceId;
    }

    @FieldOrder({
        "fieldId",
        "scopeId",
        "timestamp",
        "latencyUsec",
        "valueType",
        "nvmlReturn",
        "value"
    })
    public static final class FieldValue extends Described {
        public int fieldId;
        public int scopeId;
        public long timestamp;
        public long latencyUsec;
        public int valueType;
        public int nvmlReturn;
        public long value;
    }

    @FieldOrder({
        "version",
        "aggregateUncParity",
        "aggregateUncSecDed",
        "aggregateCor",
        "volatileUncParity",
        "volatileUncSecDed",
        "volatileCor",
        "aggregateUncBuckets",
        "bThresholdExceeded"
    })
    public static final class EccSramErrorStatus extends Described {
        public int version = NvmlLayout.ECC_SRAM_ERROR_STATUS.versionWord();
        public long aggregateUncParity;
        public long aggregateUncSecDed;
        public long aggregateCor;
        public long volatileUncParity;
        public long volatileUncSecDed;
        public long volatileCor;
        public long[] aggregateUncBuckets = new long[5];
        public int bThresholdExceeded;
    }
}
