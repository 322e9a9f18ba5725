package dev.berth.master.resources;

/** One entry of {@link Resources}: a name and its value. */
public sealed interface Resource {
    /** The resource's name, such as {@code cpus}. */
    String name();

    /**
     * An amount.
     *
     * @param millis thousandths, above zero
     */
    record Scalar(String name, long millis) implements Resource {
        /** The amount in whole units, as the wire has it. */
        public double value() {
            return millis / 1000.0;
        }
    }

    /** Numbers, such as ports. */
    record Numbers(String name, Ranges ranges) implements Resource {}

    /** Names out of a set. */
    record Names(String name, Items items) implements Resource {}
}
