package dev.berth.master.resources;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

import java.util.BitSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

class ResourcesTest {
    private static final List<String> NAMES = List.of("cpus", "mem", "disk", "gpus", "bandwidth");

    /** The same contents in the plainest form: thousandths, bits and names. */
    private record Model(
            Map<String, Long> millis, Map<String, BitSet> numbers, Map<String, Set<String>> names) {
        Model() {
            this(new TreeMap<>(), new TreeMap<>(), new TreeMap<>());
        }

        Model plus(Model other) {
            Model result = copy();
            other.millis.forEach((name, value) -> result.millis.merge(name, value, Long::sum));
            other.numbers.forEach((name, value) ->
                    result.numbers.computeIfAbsent(name, _ -> new BitSet()).or(value));
            other.names.forEach((name, value) ->
                    result.names.computeIfAbsent(name, _ -> new TreeSet<>()).addAll(value));
            return result;
        }

        Model without(Model other) {
            Model result = copy();
            other.millis.forEach((name, value) ->
                    result.millis.computeIfPresent(
                            name, (_, had) -> had > value ? had - value : null));
            other.numbers.forEach(
                    (name, value) -> result.numbers.getOrDefault(name, new BitSet()).andNot(value));
            other.names.forEach((name, value) ->
                    result.names.getOrDefault(name, new TreeSet<>()).removeAll(value));
            result.numbers.values().removeIf(BitSet::isEmpty);
            result.names.values().removeIf(Set::isEmpty);
            return result;
        }

        boolean contains(Model other) {
            return other.without(this).equals(new Model());
        }

        private Model copy() {
            Model result = new Model();
            result.millis.putAll(millis);
            numbers.forEach((name, value) -> result.numbers.put(name, (BitSet) value.clone()));
            names.forEach((name, value) -> result.names.put(name, new TreeSet<>(value)));
            return result;
        }

        Resources resources(Random random) {
            Resources result = Resources.EMPTY;
            for (Map.Entry<String, Long> entry : millis.entrySet()) {
                // In two parts and with a name that is another object: neither may matter.
                long first = random.nextLong(entry.getValue() + 1);
                String name = String.valueOf(entry.getKey().toCharArray());
                result = result.plus(Resources.scalarMillis(name, entry.getValue() - first));
                result = result.plus(Resources.scalarMillis(name, first));
            }
            for (Map.Entry<String, BitSet> entry : numbers.entrySet()) {
                for (int i : entry.getValue().stream().toArray()) {
                    result = Resources.numbers(entry.getKey(), Ranges.of(i, i)).plus(result);
                }
            }
            for (Map.Entry<String, Set<String>> entry : names.entrySet()) {
                result = result.plus(Resources.names(entry.getKey(), entry.getValue()));
            }
            return result;
        }
    }

    private static Model random(Random random) {
        Model model = new Model();
        for (String name : NAMES) {
            if (random.nextInt(3) > 0) {
                model.millis.put(name, 1L + random.nextInt(4) * (random.nextBoolean() ? 1 : 500));
            }
        }
        for (String name : List.of("ports", "uids", "cpus")) {
            BitSet bits = new BitSet();
            for (int i = random.nextInt(6); i > 0; i--) {
                int begin = random.nextInt(40);
                bits.set(begin, begin + 1 + random.nextInt(8));
            }
            if (!bits.isEmpty()) {
                model.numbers.put(name, bits);
            }
        }
        for (String name : List.of("disks", "licences")) {
            for (String item : List.of("a", "b", "c")) {
                if (random.nextInt(3) == 0) {
                    model.names.computeIfAbsent(name, _ -> new TreeSet<>()).add(item);
                }
            }
        }
        return model;
    }

    @Test
    void countsAsThePlainModelDoes() {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        for (int i = 0; i < 5_000; i++) {
            Model a = random(random);
            Model b = random.nextInt(4) == 0 ? a.without(random(random)) : random(random);
            Resources x = a.resources(random);
            Resources y = b.resources(random);
            String about = "seed " + seed + " x={" + x + "} y={" + y + "}";
            Resources sum = x.plus(y);
            assertThat(sum).as(about).isEqualTo(a.plus(b).resources(random));
            assertThat(sum.hashCode()).as(about).isEqualTo(a.plus(b).resources(random).hashCode());
            assertThat(x.without(y)).as(about).isEqualTo(a.without(b).resources(random));
            assertThat(x.contains(y)).as(about).isEqualTo(a.contains(b));
            assertThat(x.equals(y)).as(about).isEqualTo(a.equals(b));
            assertThat(x.isEmpty()).as(about).isEqualTo(a.equals(new Model()));
        }
    }

    @Test
    void obeysItsAlgebra() {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        for (int i = 0; i < 5_000; i++) {
            Resources x = random(random).resources(random);
            Resources y = random(random).resources(random);
            Resources z = random(random).resources(random);
            String about = "seed " + seed + " x={" + x + "} y={" + y + "} z={" + z + "}";
            assertThat(x.plus(y)).as(about).isEqualTo(y.plus(x));
            assertThat(x.plus(y).plus(z)).as(about).isEqualTo(x.plus(y.plus(z)));
            assertThat(x.plus(Resources.EMPTY)).as(about).isEqualTo(x);
            assertThat(x.without(Resources.EMPTY)).as(about).isEqualTo(x);
            assertThat(x.without(x)).as(about).isSameAs(Resources.EMPTY);
            assertThat(x.plus(y).contains(x)).as(about).isTrue();
            assertThat(x.contains(x.without(y))).as(about).isTrue();
            assertThat(x.without(y).without(z)).as(about).isEqualTo(x.without(y.plus(z)));
            assertThat(x.contains(y) && y.contains(x)).as(about).isEqualTo(x.equals(y));
            assertThat(x.scalars().plus(y.scalars()).minus(y.scalars()))
                    .as(about)
                    .isEqualTo(x.scalars());
            if (x.contains(y)) {
                assertThat(x.minus(y).plus(y)).as(about).isEqualTo(x);
            } else {
                assertThatThrownBy(() -> x.minus(y))
                        .as(about)
                        .isInstanceOf(IllegalArgumentException.class);
            }
            assertThat(Resources.sum(List.of(x, y, z))).as(about).isEqualTo(z.plus(x).plus(y));
        }
    }

    @Test
    void tenthsAddUpExactly() {
        Resources sum = Resources.EMPTY;
        for (int i = 0; i < 10; i++) {
            sum = sum.plus(Resources.scalar("cpus", 0.1));
        }
        assertThat(sum).isEqualTo(Resources.scalar("cpus", 1));
        assertThat(Resources.scalar("cpus", 0.0004).isEmpty()).isTrue();
        assertThat(Resources.scalar("cpus", 0.0005)).isEqualTo(Resources.scalarMillis("cpus", 1));
    }

    @Test
    void refusesWhatIsNoAmountOrRange() {
        for (double bad : new double[] {-0.1, Double.NaN, Double.POSITIVE_INFINITY, 1e15}) {
            assertThatThrownBy(() -> Resources.scalar("mem", bad))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("mem");
        }
        assertThatThrownBy(() -> Resources.scalarMillis("mem", -1))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> Ranges.of(-1, 3)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> Ranges.of(4, 3)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> Ranges.of(4, Long.MAX_VALUE))
                .isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void saysWhatItHoldsAsMesosDoes() {
        Resources resources =
                Resources.sum(
                        List.of(
                                Resources.scalar("mem", 512),
                                Resources.scalar("cpus", 1.5),
                                Resources.names("zones", List.of("b", "a")),
                                Resources.numbers(
                                        "ports",
                                        Ranges.of(
                                                List.of(
                                                        new Ranges.Range(5, 7),
                                                        new Ranges.Range(1, 2),
                                                        new Ranges.Range(3, 3))))));
        assertThat(resources).hasToString("cpus:1.5; mem:512; ports:[1-3, 5-7]; zones:{a, b}");
        assertThat(resources.entries())
                .containsExactly(
                        new Resource.Scalar("cpus", 1500),
                        new Resource.Scalar("mem", 512_000),
                        new Resource.Numbers(
                                "ports",
                                Ranges.of(List.of(new Ranges.Range(1, 3), new Ranges.Range(5, 7)))),
                        new Resource.Names("zones", Items.of(List.of("a", "b"))));
        assertThat(new Resource.Scalar("cpus", 1500).value()).isEqualTo(1.5);
        assertThat(resources.millis("cpus")).isEqualTo(1500);
        assertThat(resources.millis("gpus")).isZero();
        assertThat(Ranges.of(List.of(new Ranges.Range(1, 3), new Ranges.Range(5, 7))).count())
                .isEqualTo(6);
        assertThat(Ranges.of(1, 3).contains(3)).isTrue();
        assertThat(Ranges.of(1, 3).contains(4)).isFalse();
    }

    @Test
    void theDominantShareIsTheLargestPart() {
        Resources total =
                Resources.scalar("cpus", 10)
                        .plus(Resources.scalar("mem", 100))
                        .plus(Resources.scalar("gpus", 2));
        Resources held =
                Resources.scalar("cpus", 2)
                        .plus(Resources.scalar("mem", 50))
                        .plus(Resources.scalar("gpus", 2));
        assertThat(held.dominantShare(total, Set.of())).isEqualTo(1.0);
        assertThat(held.dominantShare(total, Set.of("gpus"))).isEqualTo(0.5);
        assertThat(Resources.scalar("disk", 5).dominantShare(total, Set.of())).isZero();
        assertThat(held.dominantShare(Resources.EMPTY, Set.of())).isZero();
    }
}
