package dev.berth.master.resources;

import java.util.Collection;
import java.util.Collections;
import java.util.SortedSet;
import java.util.TreeSet;

/** A set of names. Immutable; any thread. Source: Mesos {@code Value.Set}. */
public final class Items implements Value<Items> {
    /** No name. */
    public static final Items EMPTY = new Items(new TreeSet<>());

    private final SortedSet<String> names;

    private Items(SortedSet<String> names) {
        this.names = Collections.unmodifiableSortedSet(names);
    }

    /** The given names; doubles count once. */
    public static Items of(Collection<String> names) {
        return names.isEmpty() ? EMPTY : new Items(new TreeSet<>(names));
    }

    /** The names in ascending order. */
    public SortedSet<String> names() {
        return names;
    }

    @Override
    public Items plus(Items other) {
        SortedSet<String> result = new TreeSet<>(names);
        result.addAll(other.names);
        return new Items(result);
    }

    @Override
    public Items without(Items other) {
        SortedSet<String> result = new TreeSet<>(names);
        result.removeAll(other.names);
        return new Items(result);
    }

    @Override
    public boolean contains(Items other) {
        return names.containsAll(other.names);
    }

    @Override
    public boolean isEmpty() {
        return names.isEmpty();
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Items items && names.equals(items.names);
    }

    @Override
    public int hashCode() {
        return names.hashCode();
    }

    /** As Mesos prints it: {@code {a, b}}. */
    @Override
    public String toString() {
        return "{" + String.join(", ", names) + "}";
    }
}
