package dev.berth.master.cluster;

import org.jspecify.annotations.Nullable;

import java.util.Arrays;
import java.util.function.Consumer;

/**
 * Values that one thread changes and any thread reads as they were at one moment. A capture takes a reference, however many values there are; what is changed for the first time after it is copied before, in chunks of 64 references.
 *
 * <p>Thread: the conductor's. What was captured is immutable, and anybody's who was handed it.
 *
 * @param <V> an immutable type
 */
public final class Slots<V> {
    private static final int BITS = 6;
    private static final int CHUNK = 1 << BITS;

    /** Is told each change; null for nothing before, or after. */
    interface Listener<V> {
        void changed(@Nullable V before, @Nullable V after);
    }

    /** The values of one moment, in no order. */
    public static final class Captured<V> {
        private final @Nullable Object[][] chunks;
        private final int size;

        private Captured(@Nullable Object[][] chunks, int size) {
            this.chunks = chunks;
            this.size = size;
        }

        public int size() {
            return size;
        }

        public void forEach(Consumer<V> action) {
            for (@Nullable Object[] chunk : chunks) {
                for (@Nullable Object each : chunk) {
                    if (each != null) {
                        @SuppressWarnings("unchecked") // only a V is ever put there
                        V value = (V) each;
                        action.accept(value);
                    }
                }
            }
        }
    }

    /** Where one value stands. */
    final class Slot {
        private final int index;
        private @Nullable V value;

        private Slot(int index) {
            this.index = index;
        }

        /** Another value takes the place of the one before. */
        void set(V next) {
            V before = value;
            value = next;
            put(index, next);
            listener.changed(before, next);
        }

        /** The value goes; the slot is not to be used again. */
        void remove() {
            V before = value;
            value = null;
            put(index, null);
            if (freeCount == free.length) {
                free = Arrays.copyOf(free, Math.max(CHUNK, 2 * freeCount));
            }
            free[freeCount++] = index;
            size--;
            listener.changed(before, null);
        }
    }

    private final Listener<V> listener;
    private @Nullable Object[][] chunks = new Object[0][];
    private int[] free = new int[0];
    private int freeCount;
    private int size;

    /** The last capture, as long as it is how things are. */
    private @Nullable Captured<V> captured;

    /** Which chunks nobody else can see; of those that are, none may be written to. */
    private boolean[] ours = new boolean[0];

    private boolean chunksAreOurs = true;

    Slots(Listener<V> listener) {
        this.listener = listener;
    }

    /** Adds a value. */
    Slot add(V value) {
        if (freeCount == 0) {
            grow();
        }
        Slot slot = new Slot(free[--freeCount]);
        size++;
        slot.set(value);
        return slot;
    }

    private void grow() {
        int count = chunks.length;
        int more = Math.max(1, count / 2);
        chunks = Arrays.copyOf(chunks, count + more);
        ours = Arrays.copyOf(ours, count + more);
        chunksAreOurs = true;
        for (int i = count; i < count + more; i++) {
            chunks[i] = new Object[CHUNK];
            ours[i] = true;
        }
        free = new int[Math.max(free.length, more << BITS)];
        // The lowest is taken first.
        for (int index = ((count + more) << BITS) - 1; index >= (count << BITS); index--) {
            free[freeCount++] = index;
        }
    }

    private void put(int index, @Nullable V value) {
        int at = index >> BITS;
        if (!chunksAreOurs) {
            chunks = chunks.clone();
            chunksAreOurs = true;
        }
        if (!ours[at]) {
            chunks[at] = chunks[at].clone();
            ours[at] = true;
        }
        chunks[at][index & (CHUNK - 1)] = value;
        captured = null;
    }

    /** All values as they are now; that never changes. */
    Captured<V> capture() {
        Captured<V> made = captured;
        if (made == null) {
            made = new Captured<>(chunks, size);
            captured = made;
            chunksAreOurs = false;
            Arrays.fill(ours, false);
        }
        return made;
    }
}
