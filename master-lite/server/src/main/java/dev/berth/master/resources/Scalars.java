package dev.berth.master.resources;

import java.util.Arrays;

/** Amounts in thousandths by resource name, ascending by name; only amounts above zero are kept. Immutable. */
final class Scalars {
    static final Scalars EMPTY = new Scalars(new String[0], new long[0], 0);

    private final String[] names;
    private final long[] millis;
    private final int size;

    private Scalars(String[] names, long[] millis, int size) {
        this.names = names;
        this.millis = millis;
        this.size = size;
    }

    static Scalars of(String name, long millis) {
        return millis == 0 ? EMPTY : new Scalars(new String[] {name}, new long[] {millis}, 1);
    }

    int size() {
        return size;
    }

    String name(int index) {
        return names[index];
    }

    long millis(int index) {
        return millis[index];
    }

    long millis(String name) {
        for (int i = 0; i < size; i++) {
            if (names[i].equals(name)) {
                return millis[i];
            }
        }
        return 0;
    }

    @SuppressWarnings(
            "ReferenceEquality") // the same array means the same names; others are merged by value
    Scalars plus(Scalars other) {
        if (other.size == 0) {
            return this;
        }
        if (size == 0) {
            return other;
        }
        if (names == other.names && size == other.size) {
            long[] sums = new long[size];
            for (int i = 0; i < size; i++) {
                sums[i] = Math.addExact(millis[i], other.millis[i]);
            }
            return new Scalars(names, sums, size);
        }
        return merged(other);
    }

    private Scalars merged(Scalars other) {
        String[] resultNames = new String[size + other.size];
        long[] sums = new long[size + other.size];
        int n = 0;
        int i = 0;
        int j = 0;
        while (i < size || j < other.size) {
            int order = i == size ? 1 : j == other.size ? -1 : compare(names[i], other.names[j]);
            resultNames[n] = order <= 0 ? names[i] : other.names[j];
            sums[n++] =
                    order < 0
                            ? millis[i]
                            : order > 0
                                    ? other.millis[j]
                                    : Math.addExact(millis[i], other.millis[j]);
            i += order <= 0 ? 1 : 0;
            j += order >= 0 ? 1 : 0;
        }
        // A sum with the same names as an operand shares its array: the next sum with it takes the
        // short way.
        return new Scalars(
                n == size ? names : n == other.size ? other.names : resultNames, sums, n);
    }

    Scalars without(Scalars other) {
        if (other.size == 0 || size == 0) {
            return this;
        }
        String[] resultNames = new String[size];
        long[] rest = new long[size];
        int n = 0;
        int j = 0;
        for (int i = 0; i < size; i++) {
            while (j < other.size && compare(other.names[j], names[i]) < 0) {
                j++;
            }
            boolean both = j < other.size && compare(other.names[j], names[i]) == 0;
            long left = both ? millis[i] - other.millis[j] : millis[i];
            if (left > 0) {
                resultNames[n] = names[i];
                rest[n++] = left;
            }
        }
        return n == 0 ? EMPTY : new Scalars(n == size ? names : resultNames, rest, n);
    }

    boolean contains(Scalars other) {
        int i = 0;
        for (int j = 0; j < other.size; j++) {
            while (i < size && compare(names[i], other.names[j]) < 0) {
                i++;
            }
            if (i == size
                    || compare(names[i], other.names[j]) != 0
                    || millis[i] < other.millis[j]) {
                return false;
            }
        }
        return true;
    }

    @SuppressWarnings(
            "ReferenceEquality") // the same name is mostly the same object; the rest is compared by
    // value
    private static int compare(String a, String b) {
        return a == b ? 0 : a.compareTo(b);
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Scalars scalars
                && Arrays.equals(millis, 0, size, scalars.millis, 0, scalars.size)
                && Arrays.equals(names, 0, size, scalars.names, 0, scalars.size);
    }

    @Override
    public int hashCode() {
        int hash = 1;
        for (int i = 0; i < size; i++) {
            hash = 31 * hash + names[i].hashCode() + 7 * Long.hashCode(millis[i]);
        }
        return hash;
    }
}
