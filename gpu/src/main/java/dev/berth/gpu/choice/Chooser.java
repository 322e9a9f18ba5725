package dev.berth.gpu.choice;

import dev.berth.gpu.DeviceException;
import dev.berth.gpu.DeviceTable;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.PriorityQueue;

/**
 * The best group of so many free devices of one table. Sets of devices are masks: bit i is the device at position i of the table. Up to 16 devices the answer is the best of all groups and is remembered for each set of
 * free devices; of larger tables it is a good one, grown from each device.
 *
 * <p>Thread: one at a time, conductor.
 */
public final class Chooser {
    /** Tables of more are refused. */
    public static final int MOST_DEVICES = Long.SIZE;

    private final DeviceTable table;
    private final Nearness near;
    private final Optional<EveryGroup> every;

    private Chooser(DeviceTable table, Nearness near) {
        this.table = table;
        this.near = near;
        this.every =
                near.size() <= EveryGroup.MOST_DEVICES
                        ? Optional.of(new EveryGroup(near))
                        : Optional.empty();
    }

    /**
     * Computes what depends on the table alone: below a millisecond for 8 devices, a few for 16.
     *
     * @throws DeviceException when the table has more than {@link #MOST_DEVICES} devices
     */
    public static Chooser of(DeviceTable table) throws DeviceException {
        if (table.devices().size() > MOST_DEVICES) {
            throw new DeviceException(
                    table.devices().size()
                            + " devices of "
                            + table.resourceName()
                            + ": at most "
                            + MOST_DEVICES
                            + " of one kind can be given out; configure fewer, or under two names");
        }
        return new Chooser(table, Nearness.of(table));
    }

    public DeviceTable table() {
        return table;
    }

    /** Computes the answers for these free devices now, so that {@link #best} finds them. */
    public void prepare(long free) {
        every.ifPresent(groups -> groups.prepare((int) free));
    }

    /**
     * The best group.
     *
     * @param free the devices to choose from
     * @param count 1 to the number of {@code free}
     */
    public long best(long free, int count) {
        if (every.isPresent()) {
            check(free, count);
            return every.get().best((int) free, count);
        }
        return best(free, count, 0);
    }

    /** The best group to join devices that the asker has: {@code held} counts towards the group and is no part of the answer. */
    public long best(long free, int count, long held) {
        check(free, count);
        if (every.isPresent()) {
            return every.get().best((int) free, count, (int) held);
        }
        return ranked(free, count, held, 1).getFirst().set();
    }

    private static void check(long free, int count) {
        if (count < 1 || count > Long.bitCount(free)) {
            throw new IllegalArgumentException(count + " of " + Long.bitCount(free) + " devices");
        }
    }

    public Figures figures(long set, long held, long free) {
        return near.figures(set, held, free);
    }

    /** A group and its figures. */
    record Ranked(long set, Figures figures) {
        static final Comparator<Ranked> BEST_FIRST =
                (a, b) -> {
                    int order = a.figures.compareTo(b.figures);
                    return order != 0 || a.set == b.set
                            ? order
                            : Nearness.lower(a.set, b.set) ? -1 : 1;
                };
    }

    /** The best groups, best first, at most {@code limit}. Looks at each: for people, not for the path of a start. */
    List<Ranked> ranked(long free, int count, long held, int limit) {
        check(free, count);
        PriorityQueue<Ranked> kept = new PriorityQueue<>(Ranked.BEST_FIRST.reversed());
        if (every.isPresent()) {
            for (long set = free; set != 0; set = set - 1 & free) {
                if (Long.bitCount(set) == count) {
                    keep(kept, set, held, free, limit);
                }
            }
        } else {
            GrownGroup.candidates(near, free, count, held).stream()
                    .distinct()
                    .forEach(set -> keep(kept, set, held, free, limit));
        }
        List<Ranked> ranked = new ArrayList<>(kept);
        ranked.sort(Ranked.BEST_FIRST);
        return ranked;
    }

    private void keep(PriorityQueue<Ranked> kept, long set, long held, long free, int limit) {
        kept.add(new Ranked(set, near.figures(set, held, free)));
        if (kept.size() > limit) {
            kept.poll();
        }
    }
}
