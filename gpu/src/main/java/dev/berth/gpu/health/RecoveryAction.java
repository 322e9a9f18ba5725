package dev.berth.gpu.health;

/** What the driver wants done about a GPU: NVML's field 230 and XID 154. Numbers: nvmlDeviceGpuRecoveryAction_t. */
public enum RecoveryAction {
    NONE(0, "none", DeviceHealth.Cure.NONE, false),
    GPU_RESET(1, "gpu reset", DeviceHealth.Cure.RESET, true),
    NODE_REBOOT(2, "reboot", DeviceHealth.Cure.REBOOT, true),
    /** Work that talks to other GPUs has to end; then the driver says what comes next. */
    DRAIN_P2P(3, "drain p2p", DeviceHealth.Cure.VERIFICATION, false),
    DRAIN_AND_RESET(4, "drain and reset", DeviceHealth.Cure.RESET, false),
    /** Outside this node's reach: the IMEX domain's operator recovers it. */
    RECOVER_IMEX_DOMAIN(5, "imex", DeviceHealth.Cure.VERIFICATION, false),
    /** A number that is not known: the GPU is looked at before it is given out again. */
    UNKNOWN(-1, "unknown", DeviceHealth.Cure.VERIFICATION, false);

    private final int nvml;
    private final String words;
    private final DeviceHealth.Cure cure;
    private final boolean urgent;

    RecoveryAction(int nvml, String words, DeviceHealth.Cure cure, boolean urgent) {
        this.nvml = nvml;
        this.words = words;
        this.cure = cure;
        this.urgent = urgent;
    }

    public static RecoveryAction of(int nvml) {
        for (RecoveryAction action : values()) {
            if (action.nvml == nvml) {
                return action;
            }
        }
        return UNKNOWN;
    }

    /** NVML's number; −1 for {@link #UNKNOWN}. */
    public int nvml() {
        return nvml;
    }

    String words() {
        return words;
    }

    DeviceHealth.Cure cure() {
        return cure;
    }

    /** Whether work that runs on the GPU is lost already. */
    boolean urgent() {
        return urgent;
    }
}
