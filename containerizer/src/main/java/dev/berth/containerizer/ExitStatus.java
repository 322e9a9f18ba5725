package dev.berth.containerizer;

/**
 * How a process ended.
 *
 * @param waitStatus as {@code wait(2)} tells it; −1 when it is unknown because the monitor was lost
 * @param oomKilled whether the kernel killed a process of the container for memory
 * @param finishedAtNs realtime
 */
public record ExitStatus(
        int waitStatus, boolean oomKilled, long finishedAtNs, long userUs, long systemUs) {
    /** The shell's number: the exit code, 128 + signal, or 255 when unknown. */
    public int code() {
        if (waitStatus < 0) {
            return 255;
        }
        int signal = waitStatus & 0x7f;
        return signal == 0 ? (waitStatus >> 8) & 0xff : 128 + signal;
    }
}
