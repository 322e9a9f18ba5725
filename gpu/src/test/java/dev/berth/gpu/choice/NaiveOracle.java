package dev.berth.gpu.choice;

import dev.berth.gpu.DeviceTable;
import dev.berth.gpu.Topology.Proximity;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;

/** The best group by the words of the requirement, with lists and sets, sharing no line with the product: slow and plain. */
final class NaiveOracle {
    private static final Map<Proximity, Integer> WAYS =
            Map.of(
                    Proximity.INTERNAL,
                    60,
                    Proximity.SINGLE_SWITCH,
                    50,
                    Proximity.MULTIPLE_SWITCHES,
                    40,
                    Proximity.HOST_BRIDGE,
                    30,
                    Proximity.NUMA_NODE,
                    20,
                    Proximity.SYSTEM,
                    10);

    private final DeviceTable table;

    NaiveOracle(DeviceTable table) {
        this.table = table;
    }

    Set<Integer> best(Set<Integer> free, int count, Set<Integer> held) {
        List<Set<Integer>> groups = new ArrayList<>();
        choose(new ArrayList<>(new TreeSet<>(free)), 0, count, new TreeSet<>(), groups);
        Set<Integer> best = groups.getFirst();
        for (Set<Integer> group : groups) {
            if (better(group, best, free, held)) {
                best = group;
            }
        }
        return best;
    }

    /** In lexicographic order, so that the first of equal ones is that of the lowest indices. */
    private static void choose(
            List<Integer> from, int at, int count, Set<Integer> so, List<Set<Integer>> out) {
        if (so.size() == count) {
            out.add(new TreeSet<>(so));
            return;
        }
        for (int i = at; i < from.size(); i++) {
            so.add(from.get(i));
            choose(from, i + 1, count, so, out);
            so.remove(from.get(i));
        }
    }

    private boolean better(Set<Integer> a, Set<Integer> b, Set<Integer> free, Set<Integer> held) {
        Set<Integer> wholeA = union(a, held);
        Set<Integer> wholeB = union(b, held);
        if (weakest(wholeA) != weakest(wholeB)) {
            return weakest(wholeA) > weakest(wholeB);
        }
        if (inner(wholeA) != inner(wholeB)) {
            return inner(wholeA) > inner(wholeB);
        }
        if (nodes(wholeA) != nodes(wholeB)) {
            return nodes(wholeA) < nodes(wholeB);
        }
        return torn(a, free) < torn(b, free);
    }

    private static Set<Integer> union(Set<Integer> a, Set<Integer> b) {
        Set<Integer> all = new TreeSet<>(a);
        all.addAll(b);
        return all;
    }

    private int weakest(Set<Integer> group) {
        return group.stream()
                .flatMap(a ->
                        group.stream()
                                .filter(b -> !Objects.equals(a, b))
                                .map(b -> table.topology().nvLinks(a, b)))
                .mapToInt(Integer::intValue)
                .min()
                .orElse(0);
    }

    private int way(int a, int b) {
        return table.topology().nvLinks(a, b) * 100
                + Objects.requireNonNull(WAYS.get(table.topology().proximity(a, b)));
    }

    private int inner(Set<Integer> group) {
        int twice = 0;
        for (int a : group) {
            for (int b : group) {
                twice += a == b ? 0 : way(a, b);
            }
        }
        return twice / 2;
    }

    private int nodes(Set<Integer> group) {
        return group.stream()
                .map(i -> table.devices().get(i).numaNode())
                .collect(Collectors.toSet())
                .size();
    }

    private int torn(Set<Integer> group, Set<Integer> free) {
        int sum = 0;
        for (int a : group) {
            for (int b : free) {
                sum += group.contains(b) ? 0 : way(a, b);
            }
        }
        return sum;
    }
}
