package dev.berth.master.resources;

import java.util.Arrays;

/** Values by resource name, ascending by name; an empty value is never kept. Immutable. */
final class Named<V extends Value<V>> {
    private static final Named<?> EMPTY = new Named<>(new String[0], new Value<?>[0], 0);

    private final String[] names;
    private final Value<?>[] values;
    private final int size;

    private Named(String[] names, Value<?>[] values, int size) {
        this.names = names;
        this.values = values;
        this.size = size;
    }

    @SuppressWarnings("unchecked") // it holds no V
    static <V extends Value<V>> Named<V> empty() {
        return (Named<V>) EMPTY;
    }

    static <V extends Value<V>> Named<V> of(String name, V value) {
        return value.isEmpty()
                ? empty()
                : new Named<>(new String[] {name}, new Value<?>[] {value}, 1);
    }

    int size() {
        return size;
    }

    String name(int index) {
        return names[index];
    }

    @SuppressWarnings("unchecked") // only V is ever put in
    V value(int index) {
        return (V) values[index];
    }

    Named<V> plus(Named<V> other) {
        return other.size == 0 ? this : size == 0 ? other : merged(other, true);
    }

    Named<V> without(Named<V> other) {
        return other.size == 0 || size == 0 ? this : merged(other, false);
    }

    private Named<V> merged(Named<V> other, boolean union) {
        String[] resultNames = new String[size + other.size];
        Value<?>[] resultValues = new Value<?>[size + other.size];
        int n = 0;
        int i = 0;
        int j = 0;
        while (i < size || (union && j < other.size)) {
            int order = i == size ? 1 : j == other.size ? -1 : names[i].compareTo(other.names[j]);
            if (order > 0 && !union) {
                j++;
                continue;
            }
            V value =
                    order < 0
                            ? value(i)
                            : order > 0
                                    ? other.value(j)
                                    : union
                                            ? value(i).plus(other.value(j))
                                            : value(i).without(other.value(j));
            if (!value.isEmpty()) {
                resultNames[n] = order <= 0 ? names[i] : other.names[j];
                resultValues[n++] = value;
            }
            i += order <= 0 ? 1 : 0;
            j += order >= 0 ? 1 : 0;
        }
        return n == 0 ? empty() : new Named<>(resultNames, resultValues, n);
    }

    boolean contains(Named<V> other) {
        int i = 0;
        for (int j = 0; j < other.size; j++) {
            while (i < size && names[i].compareTo(other.names[j]) < 0) {
                i++;
            }
            if (i == size
                    || !names[i].equals(other.names[j])
                    || !value(i).contains(other.value(j))) {
                return false;
            }
        }
        return true;
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Named<?> named
                && Arrays.equals(names, 0, size, named.names, 0, named.size)
                && Arrays.equals(values, 0, size, named.values, 0, named.size);
    }

    @Override
    public int hashCode() {
        int hash = 1;
        for (int i = 0; i < size; i++) {
            hash = 31 * hash + names[i].hashCode() + 7 * values[i].hashCode();
        }
        return hash;
    }
}
