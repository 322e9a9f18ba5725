package dev.berth.gpu.choice;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Groups of a table that is too large to look at every one: from each free device a group is grown by the device that joins it best. Good groups, not proven the best.
 */
final class GrownGroup {
    private GrownGroup() {}

    /** One group for each free device to begin with; the same group may come more than once. */
    static List<Long> candidates(Nearness near, long free, int count, long held) {
        List<Long> grown = new ArrayList<>();
        for (long seeds = free; seeds != 0; seeds &= seeds - 1) {
            grown.add(grow(near, free, count, held, Long.numberOfTrailingZeros(seeds)));
        }
        return grown;
    }

    private static long grow(Nearness near, long free, int count, long held, int seed) {
        int[] fewest = new int[near.size()];
        int[] sum = new int[near.size()];
        Arrays.fill(fewest, Nearness.MOST_LINKS);
        for (long rest = held; rest != 0; rest &= rest - 1) {
            join(near, Long.numberOfTrailingZeros(rest), fewest, sum);
        }
        long group = 1L << seed;
        join(near, seed, fewest, sum);
        while (Long.bitCount(group) < count) {
            int best = -1;
            for (long rest = free & ~group; rest != 0; rest &= rest - 1) {
                int next = Long.numberOfTrailingZeros(rest);
                if (best < 0
                        || fewest[next] > fewest[best]
                        || (fewest[next] == fewest[best] && sum[next] > sum[best])) {
                    best = next;
                }
            }
            group |= 1L << best;
            join(near, best, fewest, sum);
        }
        return group;
    }

    private static void join(Nearness near, int member, int[] fewest, int[] sum) {
        for (int other = 0; other < near.size(); other++) {
            fewest[other] = Math.min(fewest[other], near.links(member, other));
            sum[other] += near.points(member, other);
        }
    }
}
