package dev.berth.master.resources;

import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Set;

/**
 * What an agent has, an offer holds or a task wants: amounts with three decimals, ranges and sets by name. Equal contents are equal values: nothing empty
 * is kept, ranges are joined. Immutable; any thread. Source: Mesos {@code Resources}, arithmetic in thousandths since 1.0.
 *
 * <p>Amounts are added and subtracted; ranges and sets are united and taken away, so adding the same port twice counts once, as with Mesos.
 */
public final class Resources {
    /** Nothing. */
    public static final Resources EMPTY =
            new Resources(Scalars.EMPTY, Named.empty(), Named.empty());

    /** The largest amount of one entry, in whole units: a hundred thousand agents with that much still add up. */
    public static final double MAX_AMOUNT = 90_000_000_000.0;

    private final Scalars scalars;
    private final Named<Ranges> ranges;
    private final Named<Items> items;

    private Resources(Scalars scalars, Named<Ranges> ranges, Named<Items> items) {
        this.scalars = scalars;
        this.ranges = ranges;
        this.items = items;
    }

    private static Resources of(Scalars scalars, Named<Ranges> ranges, Named<Items> items) {
        boolean nothing = scalars.size() == 0 && ranges.size() == 0 && items.size() == 0;
        return nothing ? EMPTY : new Resources(scalars, ranges, items);
    }

    /**
     * An amount, rounded to thousandths.
     *
     * @param amount whole units, from 0 to {@link #MAX_AMOUNT}
     * @throws IllegalArgumentException for a negative amount, one that is too large, or no number
     */
    public static Resources scalar(String name, double amount) {
        if (!(amount >= 0 && amount <= MAX_AMOUNT)) {
            throw new IllegalArgumentException(
                    name + " must be from 0 to " + (long) MAX_AMOUNT + ", not " + amount);
        }
        return scalarMillis(name, Math.round(amount * 1000));
    }

    /**
     * An amount in thousandths, which may be a sum beyond {@link #MAX_AMOUNT}.
     *
     * @param millis from 0
     * @throws IllegalArgumentException for a negative amount
     */
    public static Resources scalarMillis(String name, long millis) {
        if (millis < 0) {
            throw new IllegalArgumentException(
                    name + " must be from 0 on, not " + millis + " thousandths");
        }
        return of(Scalars.of(canonical(name), millis), Named.empty(), Named.empty());
    }

    /** The given numbers under a name. */
    public static Resources numbers(String name, Ranges ranges) {
        return of(Scalars.EMPTY, Named.of(canonical(name), ranges), Named.empty());
    }

    /** The given names under a name. */
    public static Resources names(String name, Collection<String> items) {
        return of(Scalars.EMPTY, Named.empty(), Named.of(canonical(name), Items.of(items)));
    }

    /** The sum of {@code parts}. */
    public static Resources sum(Iterable<Resources> parts) {
        Resources sum = EMPTY;
        for (Resources part : parts) {
            sum = sum.plus(part);
        }
        return sum;
    }

    /** The usual names as one object each, so that comparing them is comparing references. */
    private static String canonical(String name) {
        return switch (name) {
            case "cpus" -> "cpus";
            case "mem" -> "mem";
            case "disk" -> "disk";
            case "gpus" -> "gpus";
            case "ports" -> "ports";
            default -> name;
        };
    }

    /** Amounts added, ranges and sets united. */
    public Resources plus(Resources other) {
        if (other.isEmpty()) {
            return this;
        }
        if (isEmpty()) {
            return other;
        }
        return new Resources(
                scalars.plus(other.scalars), ranges.plus(other.ranges), items.plus(other.items));
    }

    /**
     * The rest after {@code other} is taken away.
     *
     * @throws IllegalArgumentException if {@link #contains} is false
     */
    public Resources minus(Resources other) {
        if (!contains(other)) {
            throw new IllegalArgumentException("{" + this + "} does not contain {" + other + "}");
        }
        return without(other);
    }

    /** What is left of this after as much of {@code other} as there is has been taken away. */
    public Resources without(Resources other) {
        if (other.isEmpty()) {
            return this;
        }
        return of(
                scalars.without(other.scalars),
                ranges.without(other.ranges),
                items.without(other.items));
    }

    /** Whether {@code other} fits in this. */
    @SuppressWarnings(
            "ReferenceEquality") // a short way for what was offered whole and refused whole
    public boolean contains(Resources other) {
        if (this == other) {
            return true;
        }
        return scalars.contains(other.scalars)
                && ranges.contains(other.ranges)
                && items.contains(other.items);
    }

    /** Whether there is nothing. */
    public boolean isEmpty() {
        return scalars.size() == 0 && ranges.size() == 0 && items.size() == 0;
    }

    /** Thousandths of the named amount; 0 where there is none. */
    public long millis(String name) {
        return scalars.millis(name);
    }

    /** How many amounts there are. */
    public int scalarCount() {
        return scalars.size();
    }

    /** The name of the amount at {@code index}, below {@link #scalarCount}; ascending. */
    public String scalarName(int index) {
        return scalars.name(index);
    }

    /** The thousandths of the amount at {@code index}, below {@link #scalarCount}. */
    public long scalarMillis(int index) {
        return scalars.millis(index);
    }

    /** The amounts alone: what sharing is counted in. */
    public Resources scalars() {
        return ranges.size() == 0 && items.size() == 0
                ? this
                : of(scalars, Named.empty(), Named.empty());
    }

    /** All entries: amounts, then ranges, then sets, each ascending by name. */
    public List<Resource> entries() {
        List<Resource> entries = new ArrayList<>(scalars.size() + ranges.size() + items.size());
        for (int i = 0; i < scalars.size(); i++) {
            entries.add(new Resource.Scalar(scalars.name(i), scalars.millis(i)));
        }
        for (int i = 0; i < ranges.size(); i++) {
            entries.add(new Resource.Numbers(ranges.name(i), ranges.value(i)));
        }
        for (int i = 0; i < items.size(); i++) {
            entries.add(new Resource.Names(items.name(i), items.value(i)));
        }
        return List.copyOf(entries);
    }

    /**
     * The largest part that this is of {@code total} over all amounts.
     *
     * @param excluded names that do not count
     * @return from 0; amounts of which {@code total} has none are passed over
     */
    public double dominantShare(Resources total, Set<String> excluded) {
        double share = 0;
        for (int i = 0; i < scalars.size(); i++) {
            long of = total.millis(scalars.name(i));
            if (of > 0 && !excluded.contains(scalars.name(i))) {
                share = Math.max(share, (double) scalars.millis(i) / (double) of);
            }
        }
        return share;
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Resources resources
                && scalars.equals(resources.scalars)
                && ranges.equals(resources.ranges)
                && items.equals(resources.items);
    }

    @Override
    public int hashCode() {
        return 31 * (31 * scalars.hashCode() + ranges.hashCode()) + items.hashCode();
    }

    /** As Mesos prints it: {@code cpus:1.5; mem:512; ports:[31000-32000]}. */
    @Override
    public String toString() {
        StringBuilder text = new StringBuilder();
        for (Resource entry : entries()) {
            text.append(text.isEmpty() ? "" : "; ").append(entry.name()).append(':');
            switch (entry) {
                case Resource.Scalar scalar ->
                        text.append(
                                BigDecimal.valueOf(scalar.millis(), 3)
                                        .stripTrailingZeros()
                                        .toPlainString());
                case Resource.Numbers numbers -> text.append(numbers.ranges());
                case Resource.Names names -> text.append(names.items());
            }
        }
        return text.toString();
    }
}
