package dev.berth.gpu.proc;

import java.nio.file.Path;

/**
 * How the provider {@code proc} works.
 *
 * @param hostRoot {@code /}, or a simulated host's root
 * @param procRoot where the processes are that may use a device: {@code /proc}, also for a simulated host
 * @param trustOpenFiles whether a device that no process has open counts as clean. Without NVML nobody can say how much of its memory is in use; the driver frees what a process had when it closes the device, so this is
 *     mostly true, and it is not proof
 * @param searchNs how long a discovery or a search of processes may take
 * @param resetNs how long a reset may take
 */
public record ProcSettings(
        Path hostRoot, Path procRoot, boolean trustOpenFiles, long searchNs, long resetNs) {
    private static final long SECOND = 1_000_000_000L;

    /** The usual times. */
    public static ProcSettings of(Path hostRoot, boolean trustOpenFiles) {
        return new ProcSettings(
                hostRoot, Path.of("/proc"), trustOpenFiles, 5 * SECOND, 60 * SECOND);
    }
}
