package dev.berth.nvml;

/** What an NVML call returned. Values: nvmlReturn_t. */
public enum NvmlReturn {
    SUCCESS(0, "success"),
    UNINITIALIZED(1, "the library was not initialized"),
    INVALID_ARGUMENT(2, "an argument is not valid"),
    NOT_SUPPORTED(3, "this device or driver does not have it"),
    NO_PERMISSION(4, "no permission"),
    ALREADY_INITIALIZED(5, "initialized already"),
    NOT_FOUND(6, "not found"),
    INSUFFICIENT_SIZE(7, "the buffer is too small"),
    INSUFFICIENT_POWER(8, "the device's power cables are not properly attached"),
    DRIVER_NOT_LOADED(9, "the driver is not loaded"),
    TIMEOUT(10, "nothing came in time"),
    IRQ_ISSUE(11, "the kernel sees an interrupt problem of the device"),
    LIBRARY_NOT_FOUND(12, "a library could not be found or loaded"),
    FUNCTION_NOT_FOUND(13, "this version of the driver does not have the function"),
    CORRUPTED_INFOROM(14, "the device's infoROM is corrupted"),
    GPU_IS_LOST(15, "the GPU has fallen off the bus or is otherwise not to be reached"),
    RESET_REQUIRED(16, "the GPU must be reset before it can be used again"),
    OPERATING_SYSTEM(17, "the operating system or a cgroup denied it"),
    LIB_RM_VERSION_MISMATCH(18, "library and kernel module are of different driver versions"),
    IN_USE(19, "the device is in use"),
    MEMORY(20, "not enough memory"),
    NO_DATA(21, "no data"),
    VGPU_ECC_NOT_SUPPORTED(22, "not possible on a vGPU host with ECC"),
    INSUFFICIENT_RESOURCES(23, "not enough of a resource other than memory"),
    FREQ_NOT_SUPPORTED(24, "the frequency is not supported"),
    ARGUMENT_VERSION_MISMATCH(25, "the struct's version is not known to the library"),
    DEPRECATED(26, "no longer offered"),
    NOT_READY(27, "not ready"),
    GPU_NOT_FOUND(28, "no GPU found"),
    INVALID_STATE(29, "not possible in the present state"),
    RESET_TYPE_NOT_SUPPORTED(30, "this kind of reset is not supported"),
    UNKNOWN(999, "unknown error");

    private final int code;
    private final String words;

    NvmlReturn(int code, String words) {
        this.code = code;
        this.words = words;
    }

    public int code() {
        return code;
    }

    /** Ours, for messages; {@code nvmlErrorString} is the library's. */
    public String words() {
        return words;
    }

    /** Of a number; {@link #UNKNOWN} for those that this version does not list. */
    public static NvmlReturn of(int code) {
        for (NvmlReturn value : values()) {
            if (value.code == code) {
                return value;
            }
        }
        return UNKNOWN;
    }

    /** It will be so at every further call: nothing is gained by asking again. */
    public boolean lasting() {
        return this == NOT_SUPPORTED || this == FUNCTION_NOT_FOUND;
    }
}
