package dev.berth.isolator;

import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;

/**
 * Limits in OCI terms; the cgroup isolators convert them (runtime-spec config-linux, "Control groups"). An empty value means "not asked for": nothing is written. −1 means unlimited where OCI says so.
 *
 * @param cpuQuotaUs of every {@code cpuPeriodUs}
 * @param cpuShares 2 to 262144
 * @param memorySwapBytes memory plus swap
 * @param ioDevices per-device bandwidth and rate limits
 * @param required names of resources ("cpu", "memory", "pids", "io", "cpuset") whose limits must be enforced: where the host cannot, the launch is refused
 */
public record ResourceLimits(
        OptionalLong cpuQuotaUs,
        OptionalLong cpuPeriodUs,
        OptionalLong cpuShares,
        Optional<String> cpusetCpus,
        Optional<String> cpusetMems,
        OptionalLong memoryBytes,
        OptionalLong memorySwapBytes,
        OptionalLong memoryReservationBytes,
        OptionalLong pids,
        OptionalLong ioWeight,
        List<IoDevice> ioDevices,
        Set<String> required) {

    /** No limit at all. */
    public static final ResourceLimits NONE =
            new ResourceLimits(
                    OptionalLong.empty(),
                    OptionalLong.empty(),
                    OptionalLong.empty(),
                    Optional.empty(),
                    Optional.empty(),
                    OptionalLong.empty(),
                    OptionalLong.empty(),
                    OptionalLong.empty(),
                    OptionalLong.empty(),
                    OptionalLong.empty(),
                    List.of(),
                    Set.of());

    /** Throttling of one block device: bytes and operations per second. */
    public record IoDevice(
            int major,
            int minor,
            OptionalLong readBps,
            OptionalLong writeBps,
            OptionalLong readIops,
            OptionalLong writeIops) {}
}
