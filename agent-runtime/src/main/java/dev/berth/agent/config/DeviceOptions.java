package dev.berth.agent.config;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * Where an agent's devices come from.
 *
 * @param gpus {@code --gpus}
 * @param driverRoot where the driver's files are when that is not the host root
 * @param characterDevices configuration of character devices of any vendor
 * @param cdiDirectories directories of CDI files, the later ones win
 * @param onFault what becomes of containers whose device needs a reset
 */
public record DeviceOptions(
        GpuSource gpus,
        Optional<Path> driverRoot,
        Optional<Path> characterDevices,
        List<Path> cdiDirectories,
        OnFault onFault) {
    /** As dockerd's. */
    public static final List<Path> CDI_DIRECTORIES =
            List.of(Path.of("/etc/cdi"), Path.of("/var/run/cdi"));

    /** No devices at all. */
    public static final DeviceOptions NONE =
            new DeviceOptions(
                    new GpuSource.None(),
                    Optional.empty(),
                    Optional.empty(),
                    List.of(),
                    OnFault.KEEP);

    public DeviceOptions {
        cdiDirectories = List.copyOf(cdiDirectories);
    }

    /** What a container may do that holds a device which its vendor wants reset. */
    public enum OnFault {
        /** It runs on until it ends by itself; the device is reset then. */
        KEEP,
        /** It is killed, so that the device can be reset now. */
        KILL
    }

    /** Where GPUs come from. */
    public sealed interface GpuSource {
        /** The host's driver where there is one, else none. */
        record Auto() implements GpuSource {}

        record None() implements GpuSource {}

        /** The simulator with a machine that comes with it, such as {@code 8xH100}. */
        record Simulated(String machine) implements GpuSource {}

        /** The simulator with a machine file. */
        record SimulatedFile(Path machine) implements GpuSource {}
    }
}
