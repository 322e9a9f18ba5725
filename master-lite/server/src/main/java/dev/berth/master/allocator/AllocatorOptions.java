package dev.berth.master.allocator;

import dev.berth.master.resources.Resources;

import java.util.List;
import java.util.Set;

/**
 * How offers are made.
 *
 * @param minimums what an offer must at least hold, any one of the list; an empty list: anything. Mesos: {@code --min_allocatable_resources}
 * @param excluded names that do not count towards a share. Mesos: {@code --fair_sharing_excluded_resource_names}
 * @param hideGpus whether agents with GPUs are offered only to frameworks with GPU_RESOURCES. Mesos: {@code --filter_gpu_resources}
 * @param minRefuseNs the shortest refusal: without one a framework that declines for 0 seconds would be sent the same agent in a circle. Mesos has its
 *     allocation interval of one second there
 * @param seed decides in which order agents are offered
 */
public record AllocatorOptions(
        List<Resources> minimums,
        Set<String> excluded,
        boolean hideGpus,
        long minRefuseNs,
        long seed) {
    /** Copies the collections. */
    public AllocatorOptions {
        minimums = List.copyOf(minimums);
        excluded = Set.copyOf(excluded);
    }

    /** Mesos's defaults: 0.01 cpus or 32 MB, everything counts, GPUs are hidden, one second. */
    public static AllocatorOptions defaults(long seed) {
        return new AllocatorOptions(
                List.of(Resources.scalar("cpus", 0.01), Resources.scalar("mem", 32)),
                Set.of(),
                true,
                1_000_000_000L,
                seed);
    }
}
