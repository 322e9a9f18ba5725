package dev.berth.nvml;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Supplier;

/**
 * The structs that cross the border, as the driver's 64-bit ABI has them: the one table that JNA's layouts and a C compiler's are compared with ({@code tests/arch}). Fields under their C names; a run of equal fields is
 * one entry at its first.
 *
 * <p>Source: nvml.h of API 13, sizes and offsets as gcc gives them on LP64.
 */
public enum NvmlLayout {
    PCI_INFO(
            "nvmlPciInfo_t",
            68,
            0,
            NvmlStructs.PciInfo::new,
            "busIdLegacy@0 domain@16 bus@20 device@24 pciDeviceId@28 pciSubSystemId@32 busId@36"),
    UTILIZATION("nvmlUtilization_t", 8, 0, NvmlStructs.Utilization::new, "gpu@0 memory@4"),
    MEMORY("nvmlMemory_t", 24, 0, NvmlStructs.Memory::new, "total@0 free@8 used@16"),
    MEMORY_V2(
            "nvmlMemory_v2_t",
            40,
            2,
            NvmlStructs.MemoryV2::new,
            "version@0 total@8 reserved@16 free@24 used@32"),
    PROCESS_INFO(
            "nvmlProcessInfo_v2_t",
            24,
            0,
            NvmlStructs.ProcessInfo::new,
            "pid@0 usedGpuMemory@8 gpuInstanceId@16 computeInstanceId@20"),
    EVENT_DATA(
            "nvmlEventData_t",
            32,
            0,
            NvmlStructs.EventData::new,
            "device@0 eventType@8 eventData@16 gpuInstanceId@24 computeInstanceId@28"),
    FIELD_VALUE(
            "nvmlFieldValue_t",
            40,
            0,
            NvmlStructs.FieldValue::new,
            "fieldId@0 scopeId@4 timestamp@8 latencyUsec@16 valueType@24 nvmlReturn@28 value@32"),
    ECC_SRAM_ERROR_STATUS(
            "nvmlEccSramErrorStatus_v1_t",
            104,
            1,
            NvmlStructs.EccSramErrorStatus::new,
            "version@0 aggregateUncParity@8 aggregateUncSecDed@16 aggregateCor@24 volatileUncParity@32 volatileUncSecDed@40 volatileCor@48 aggregateUncBuckets@56 bThresholdExceeded@96");

    private final String cName;
    private final int size;
    private final int version;

    @SuppressWarnings("ImmutableEnumChecker") // a constructor reference has no state
    private final Supplier<NvmlStructs.Described> structure;

    @SuppressWarnings("ImmutableEnumChecker") // filled by the constructor, given away as a copy
    private final Map<String, Integer> offsets = new LinkedHashMap<>();

    NvmlLayout(
            String cName,
            int size,
            int version,
            Supplier<NvmlStructs.Described> structure,
            String fields) {
        this.cName = cName;
        this.size = size;
        this.version = version;
        this.structure = structure;
        for (String field : fields.split(" ")) {
            int at = field.indexOf('@');
            offsets.put(
                    field.substring(0, at), Integer.parseInt(field, at + 1, field.length(), 10));
        }
    }

    /** As the C header names it, with the version that is meant. */
    public String cName() {
        return cName;
    }

    /** Bytes. */
    public int size() {
        return size;
    }

    /** The struct's version where it has one in its first word, else 0. */
    public int version() {
        return version;
    }

    /** What the first word must say: size and version; 0 where the struct has no such word. */
    public int versionWord() {
        return version == 0 ? 0 : size | version << 24;
    }

    /** Offset in bytes by C field name. */
    public Map<String, Integer> offsets() {
        return Map.copyOf(offsets);
    }

    /** The size that JNA gives it. */
    public int jnaSize() {
        return structure.get().size();
    }

    /** The offset that JNA gives a field. */
    public int jnaOffset(String field) {
        return structure.get().offsetOf(field);
    }
}
