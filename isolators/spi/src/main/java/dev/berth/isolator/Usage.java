package dev.berth.isolator;

/** One usage sample of a container; −1 where the host has no such controller. {@code timestampNs} is CLOCK_REALTIME; CPU times are microseconds. */
public record Usage(
        long timestampNs,
        long cpuTotalUs,
        long cpuUserUs,
        long cpuSystemUs,
        long throttledPeriods,
        long throttledUs,
        long memoryBytes,
        long memoryPeakBytes,
        long memoryLimitBytes,
        long memoryInactiveFileBytes,
        long oomKills,
        long pids,
        long pidsLimit,
        long ioReadBytes,
        long ioWriteBytes,
        long ioReads,
        long ioWrites) {}
