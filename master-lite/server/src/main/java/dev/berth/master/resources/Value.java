package dev.berth.master.resources;

/**
 * A resource's value that is a set of something: union, difference and superset.
 *
 * @param <V> the implementing type
 */
interface Value<V extends Value<V>> {
    /** The union. */
    V plus(V other);

    /** The difference; what {@code this} lacks is ignored. */
    V without(V other);

    /** Whether this is a superset of {@code other}. */
    boolean contains(V other);

    boolean isEmpty();
}
