package dev.berth.gpu.nvml;

/** NVML's field 230, nvmlDeviceGpuRecoveryAction_t. */
final class RecoveryAction {
    private RecoveryAction() {}

    static String words(int action) {
        return switch (action) {
            case 0 -> "nothing";
            case 1 -> "a GPU reset";
            case 2 -> "a reboot of the node";
            case 3 -> "draining peer-to-peer traffic";
            case 4 -> "draining and a GPU reset";
            case 5 -> "recovery of the IMEX domain";
            default -> "recovery action " + action;
        };
    }

    static boolean resetHelps(int action) {
        return action == 1 || action == 4;
    }
}
