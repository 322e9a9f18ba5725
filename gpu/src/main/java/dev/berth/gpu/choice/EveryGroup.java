package dev.berth.gpu.choice;

/**
 * The best groups of a table of at most {@value #MOST_DEVICES} devices by looking at every one. What does not depend on the free devices is computed once for every set; the answers for one set of free devices are computed
 * together and kept. The whole order of preference of a group is one long, so that comparing two groups is comparing two numbers.
 */
final class EveryGroup {
    static final int MOST_DEVICES = 16;

    /** Tables up to this size are answered completely in advance: 3^10 looks. */
    private static final int ALL_IN_ADVANCE = 10;

    private static final int NUMA_BITS = 5;
    private static final int SUM_BITS = 22;
    private static final int TORN_BITS = 21;
    private static final int TORN_MOST = (1 << TORN_BITS) - 1;

    private final int[] sums;
    private final long[] quality;

    /** By set of free devices, then by count. */
    private final char[][] answers;

    EveryGroup(Nearness near) {
        int size = near.size();
        sums = new int[1 << size];
        quality = new long[1 << size];
        answers = new char[1 << size][];
        int[] fewest = new int[1 << size];
        int[] nodes = new int[1 << size];
        for (int set = 1; set < 1 << size; set++) {
            int rest = set & set - 1;
            int a = Integer.numberOfTrailingZeros(set);
            int sum = sums[rest];
            int least = (rest & rest - 1) == 0 ? Nearness.MOST_LINKS : fewest[rest];
            for (int others = rest; others != 0; others &= others - 1) {
                int b = Integer.numberOfTrailingZeros(others);
                sum += near.points(a, b);
                least = Math.min(least, near.links(a, b));
            }
            sums[set] = sum;
            fewest[set] = rest == 0 ? 0 : least;
            nodes[set] = nodes[rest] | (int) near.numaBit(a);
            long links = fewest[set];
            quality[set] =
                    (links << SUM_BITS | sum) << NUMA_BITS
                            | MOST_DEVICES - Integer.bitCount(nodes[set]);
        }
        if (size <= ALL_IN_ADVANCE) {
            for (int free = 1; free < 1 << size; free++) {
                prepare(free);
            }
        }
    }

    void prepare(int free) {
        if (answers[free] == null) {
            answers[free] = everyCount(free, 0);
        }
    }

    int best(int free, int count) {
        prepare(free);
        return answers[free][count];
    }

    /** Not kept: groups grow seldom. */
    int best(int free, int count, int held) {
        return everyCount(free, held)[count];
    }

    private char[] everyCount(int free, int held) {
        char[] best = new char[Integer.bitCount(free) + 1];
        long[] keys = new long[best.length];
        for (int set = free; set != 0; set = set - 1 & free) {
            int count = Integer.bitCount(set);
            long key = key(set, held, free);
            if (best[count] == 0
                    || key > keys[count]
                    || (key == keys[count] && Nearness.lower(set, best[count]))) {
                best[count] = (char) set;
                keys[count] = key;
            }
        }
        return best;
    }

    private long key(int set, int held, int free) {
        int torn = sums[free] - sums[set] - sums[free & ~set];
        return quality[set | held] << TORN_BITS | TORN_MOST - torn;
    }
}
