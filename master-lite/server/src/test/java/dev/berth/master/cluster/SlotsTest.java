package dev.berth.master.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;

/** Captures against copies of a list that has the same values. */
class SlotsTest {
    private record Copy(Slots.Captured<Integer> captured, List<Integer> values) {
        void check() {
            List<Integer> seen = new ArrayList<>();
            captured.forEach(seen::add);
            assertThat(seen).containsExactlyInAnyOrderElementsOf(values);
            assertThat(captured.size()).isEqualTo(values.size());
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4})
    void whatWasCapturedStaysAsItWas(long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        long[] sum = new long[1];
        Slots<Integer> slots =
                new Slots<>((before, after) ->
                        sum[0] += (after == null ? 0 : after) - (before == null ? 0 : before));
        List<Slots<Integer>.Slot> places = new ArrayList<>();
        List<Integer> values = new ArrayList<>();
        List<Copy> copies = new ArrayList<>();
        for (int step = 0; step < 20_000; step++) {
            // Grows to a thousand and shrinks again, time after time.
            int bias = step / 2000 % 2 == 0 ? 6 : 2;
            if (random.nextInt(8) < bias || values.isEmpty()) {
                places.add(slots.add(step));
                values.add(step);
            } else {
                int at = random.nextInt(values.size());
                places.remove(at).remove();
                values.remove(at);
            }
            if (!values.isEmpty()) {
                int at = random.nextInt(values.size());
                places.get(at).set(-step);
                values.set(at, -step);
            }
            if (random.nextInt(100) == 0) {
                copies.add(new Copy(slots.capture(), List.copyOf(values)));
            }
        }
        copies.add(new Copy(slots.capture(), List.copyOf(values)));
        copies.forEach(Copy::check);
        assertThat(sum[0]).isEqualTo(values.stream().mapToLong(i -> i).sum());
    }

    @Test
    void nothingIsCopiedForWhatDidNotChange() {
        Slots<Integer> slots = new Slots<>((_, _) -> {});
        Slots<Integer>.Slot slot = slots.add(1);
        assertThat(slots.capture()).isSameAs(slots.capture());
        Slots.Captured<Integer> before = slots.capture();
        slot.set(2);
        assertThat(slots.capture()).isNotSameAs(before);
    }
}
