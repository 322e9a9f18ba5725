package dev.berth.gpu;

/** Figures of a device, in dcgm-exporter's names and units, so that dashboards made for it work. */
public enum DeviceMetric {
    SM_CLOCK("DCGM_FI_DEV_SM_CLOCK", Type.GAUGE, "SM clock frequency (in MHz)."),
    MEM_CLOCK("DCGM_FI_DEV_MEM_CLOCK", Type.GAUGE, "Memory clock frequency (in MHz)."),
    MEMORY_TEMP("DCGM_FI_DEV_MEMORY_TEMP", Type.GAUGE, "Memory temperature (in C)."),
    GPU_TEMP("DCGM_FI_DEV_GPU_TEMP", Type.GAUGE, "GPU temperature (in C)."),
    POWER_USAGE("DCGM_FI_DEV_POWER_USAGE", Type.GAUGE, "Power draw (in W)."),
    TOTAL_ENERGY_CONSUMPTION(
            "DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION",
            Type.COUNTER,
            "Total energy consumption since boot (in mJ)."),
    PCIE_REPLAY_COUNTER(
            "DCGM_FI_DEV_PCIE_REPLAY_COUNTER", Type.COUNTER, "Total number of PCIe retries."),
    GPU_UTIL("DCGM_FI_DEV_GPU_UTIL", Type.GAUGE, "GPU utilization (in %)."),
    MEM_COPY_UTIL("DCGM_FI_DEV_MEM_COPY_UTIL", Type.GAUGE, "Memory utilization (in %)."),
    ENC_UTIL("DCGM_FI_DEV_ENC_UTIL", Type.GAUGE, "Encoder utilization (in %)."),
    DEC_UTIL("DCGM_FI_DEV_DEC_UTIL", Type.GAUGE, "Decoder utilization (in %)."),
    XID_ERRORS("DCGM_FI_DEV_XID_ERRORS", Type.GAUGE, "Value of the last XID error encountered."),
    FB_FREE("DCGM_FI_DEV_FB_FREE", Type.GAUGE, "Framebuffer memory free (in MiB)."),
    FB_USED("DCGM_FI_DEV_FB_USED", Type.GAUGE, "Framebuffer memory used (in MiB)."),
    NVLINK_BANDWIDTH_TOTAL(
            "DCGM_FI_DEV_NVLINK_BANDWIDTH_TOTAL",
            Type.COUNTER,
            "Total number of NVLink bandwidth counters for all lanes."),
    UNCORRECTABLE_REMAPPED_ROWS(
            "DCGM_FI_DEV_UNCORRECTABLE_REMAPPED_ROWS",
            Type.COUNTER,
            "Number of remapped rows for uncorrectable errors."),
    CORRECTABLE_REMAPPED_ROWS(
            "DCGM_FI_DEV_CORRECTABLE_REMAPPED_ROWS",
            Type.COUNTER,
            "Number of remapped rows for correctable errors."),
    ROW_REMAP_FAILURE(
            "DCGM_FI_DEV_ROW_REMAP_FAILURE", Type.GAUGE, "Whether remapping of rows has failed.");

    /** As Prometheus types them. */
    public enum Type {
        GAUGE,
        COUNTER
    }

    private final String exportedName;
    private final Type type;
    private final String sentence;

    DeviceMetric(String exportedName, Type type, String sentence) {
        this.exportedName = exportedName;
        this.type = type;
        this.sentence = sentence;
    }

    public String exportedName() {
        return exportedName;
    }

    public Type type() {
        return type;
    }

    public String sentence() {
        return sentence;
    }
}
