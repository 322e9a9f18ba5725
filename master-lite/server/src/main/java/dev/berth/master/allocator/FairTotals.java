package dev.berth.master.allocator;

import dev.berth.master.resources.Resources;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** The cluster's amounts by a dense index of names, and shares of them. */
final class FairTotals {
    private final Set<String> excluded;
    private final Map<String, Integer> indexes = new HashMap<>();
    private final List<String> names = new ArrayList<>();
    private long[] total = new long[4];
    private boolean[] counts = new boolean[4];

    FairTotals(Set<String> excluded) {
        this.excluded = excluded;
    }

    int index(String name) {
        Integer known = indexes.get(name);
        if (known != null) {
            return known;
        }
        int index = names.size();
        names.add(name);
        indexes.put(name, index);
        if (index >= total.length) {
            total = Arrays.copyOf(total, 2 * total.length);
            counts = Arrays.copyOf(counts, total.length);
        }
        counts[index] = !excluded.contains(name);
        return index;
    }

    void add(Resources amounts) {
        for (int i = 0; i < amounts.scalarCount(); i++) {
            int index = index(amounts.scalarName(i));
            total[index] = Math.addExact(total[index], amounts.scalarMillis(i));
        }
    }

    void remove(Resources amounts) {
        for (int i = 0; i < amounts.scalarCount(); i++) {
            total[index(amounts.scalarName(i))] -= amounts.scalarMillis(i);
        }
    }

    /** The largest part that {@code held} is of the total; what the cluster has none of is passed over. */
    double share(long[] held) {
        double share = 0;
        for (int i = 0; i < held.length && i < total.length; i++) {
            if (total[i] > 0 && counts[i]) {
                share = Math.max(share, (double) held[i] / (double) total[i]);
            }
        }
        return share;
    }

    Resources amounts(long[] held) {
        Resources result = Resources.EMPTY;
        for (int i = 0; i < held.length && i < names.size(); i++) {
            result = result.plus(Resources.scalarMillis(names.get(i), held[i]));
        }
        return result;
    }
}
