package dev.berth.gpu.nvml;

import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/** Devices that did not answer within the deadline, by index, and when each is asked again. Thread: the lane. */
final class HungDevices {
    private record Rest(long nextProbeNs, long restNs) {}

    private final NvmlSettings.Deadlines deadlines;
    private final Map<Integer, Rest> rests = new TreeMap<>();
    private int count;

    HungDevices(NvmlSettings.Deadlines deadlines) {
        this.deadlines = deadlines;
    }

    /** It hung, once more perhaps: the rest doubles. */
    void add(int index, long nowNs) {
        Rest before = rests.get(index);
        long rest =
                before == null
                        ? deadlines.firstProbe().toNanos()
                        : Math.min(before.restNs * 2, deadlines.lastProbe().toNanos());
        rests.put(index, new Rest(nowNs + rest, rest));
    }

    boolean remove(int index) {
        return rests.remove(index) != null;
    }

    boolean contains(int index) {
        return rests.containsKey(index);
    }

    Set<Integer> indices() {
        return Set.copyOf(rests.keySet());
    }

    /** So many devices there are: with another number than before, indices may have moved. */
    void counted(int devices) {
        if (count != 0 && count != devices) {
            rests.clear();
        }
        count = devices;
    }

    /** The number that the indices belong to; 0 before the first discovery. */
    int count() {
        return count;
    }

    boolean probeDue(long nowNs) {
        return rests.values().stream().anyMatch(rest -> nowNs - rest.nextProbeNs >= 0);
    }

    /** When the next one is asked again; {@link Long#MAX_VALUE} when none is hung. */
    long nextProbeNs() {
        return rests.values().stream().mapToLong(Rest::nextProbeNs).min().orElse(Long.MAX_VALUE);
    }

    /** Those that a discovery leaves alone: all but the one whose rest has been over for longest. */
    Set<Integer> leaveAlone(long nowNs) {
        Set<Integer> alone = new TreeSet<>(rests.keySet());
        rests.entrySet().stream()
                .filter(entry -> nowNs - entry.getValue().nextProbeNs >= 0)
                .min((a, b) -> Long.compare(a.getValue().nextProbeNs, b.getValue().nextProbeNs))
                .ifPresent(entry -> alone.remove(entry.getKey()));
        return alone;
    }

    /** Why it is not asked now; empty when it is not hung. */
    Optional<String> words(int index) {
        return Optional.ofNullable(rests.get(index))
                .map(rest ->
                        "it did not answer within the deadline and is asked again after "
                                + rest.restNs / 1_000_000_000
                                + " s");
    }
}
