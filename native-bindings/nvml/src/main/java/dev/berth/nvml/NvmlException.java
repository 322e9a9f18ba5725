package dev.berth.nvml;

/** An NVML call did not succeed; the message is {@code nvmlDeviceGetName: GPU_IS_LOST (15): …}. */
public final class NvmlException extends Exception {
    private final String function;
    private final NvmlReturn returned;
    private final int code;

    public NvmlException(String function, int code) {
        this(function, code, NvmlReturn.of(code).words());
    }

    public NvmlException(String function, int code, String words) {
        super(function + ": " + NvmlReturn.of(code) + " (" + code + "): " + words);
        this.function = function;
        this.returned = NvmlReturn.of(code);
        this.code = code;
    }

    /** The symbol that was called. */
    public String function() {
        return function;
    }

    public NvmlReturn returned() {
        return returned;
    }

    /** The number as it came, also where {@link #returned} is {@link NvmlReturn#UNKNOWN} for a number that is not listed. */
    public int code() {
        return code;
    }
}
