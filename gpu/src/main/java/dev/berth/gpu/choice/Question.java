package dev.berth.gpu.choice;

import dev.berth.gpu.Device;
import dev.berth.gpu.DeviceException;
import dev.berth.gpu.DeviceId;
import dev.berth.gpu.DeviceRequest.Selection;
import dev.berth.gpu.choice.Chooser.Ranked;
import dev.berth.gpu.choice.Explanation.Candidate;
import dev.berth.gpu.choice.Explanation.Unavailable;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** One question of {@link Explanation#of} and its words. */
final class Question {
    private final Chooser chooser;
    private final Map<DeviceId, String> unavailable;
    private final int limit;
    private final List<Device> devices;
    private final long free;

    Question(Chooser chooser, Map<DeviceId, String> unavailable, int limit) {
        this.chooser = chooser;
        this.unavailable = unavailable;
        this.limit = limit;
        this.devices = chooser.table().devices();
        long mask = 0;
        for (int i = 0; i < devices.size(); i++) {
            mask |= unavailable.containsKey(devices.get(i).id()) ? 0 : 1L << i;
        }
        this.free = mask;
    }

    Explanation answer(Selection selection) {
        try {
            return switch (selection) {
                case Selection.Count(int count) -> count(count);
                case Selection.All _ -> exactly(all(), "every device of this node");
                case Selection.Named(List<String> names) ->
                        exactly(DeviceNames.mask(chooser.table(), names), "named by the request");
            };
        } catch (DeviceException e) {
            return refusal(String.valueOf(e.getMessage()));
        }
    }

    private long all() throws DeviceException {
        if (devices.isEmpty()) {
            throw new DeviceException("this node has no " + chooser.table().resourceName());
        }
        return devices.size() == Long.SIZE ? -1L : (1L << devices.size()) - 1;
    }

    private Explanation count(int count) throws DeviceException {
        if (count < 1) {
            throw new DeviceException("count " + count + ": must be at least 1");
        }
        if (Long.bitCount(free) < count) {
            return refusal(
                    count
                            + " asked for, "
                            + Long.bitCount(free)
                            + " of "
                            + devices.size()
                            + " free"
                            + reasons(~free));
        }
        List<Ranked> ranked = chooser.ranked(free, count, 0, Math.max(1, limit));
        Ranked first = ranked.getFirst();
        List<Candidate> candidates = new ArrayList<>();
        for (Ranked each : ranked) {
            candidates.add(
                    new Candidate(
                            ids(each.set()),
                            each.figures(),
                            each.set() == first.set() ? praise(each) : worse(each, first)));
        }
        return new Explanation(ids(first.set()), Optional.empty(), candidates, left());
    }

    private Explanation exactly(long wanted, String why) {
        if ((wanted & ~free) != 0) {
            return refusal("not all can be given out" + reasons(wanted & ~free));
        }
        Figures figures = chooser.figures(wanted, 0, free);
        return new Explanation(
                ids(wanted),
                Optional.empty(),
                List.of(new Candidate(ids(wanted), figures, why)),
                left());
    }

    private Explanation refusal(String reason) {
        return new Explanation(List.of(), Optional.of(reason), List.of(), left());
    }

    private String reasons(long mask) {
        List<String> words = new ArrayList<>();
        for (int i = 0; i < devices.size(); i++) {
            Device device = devices.get(i);
            String reason = unavailable.get(device.id());
            if ((mask >>> i & 1) != 0 && reason != null) {
                words.add(DeviceNames.described(device) + " is " + reason);
            }
        }
        return words.isEmpty() ? "" : ": " + String.join("; ", words);
    }

    private List<Unavailable> left() {
        List<Unavailable> left = new ArrayList<>();
        for (Device device : devices) {
            String reason = unavailable.get(device.id());
            if (reason != null) {
                left.add(new Unavailable(device.id(), reason));
            }
        }
        return left;
    }

    private List<DeviceId> ids(long set) {
        List<DeviceId> ids = new ArrayList<>();
        for (long rest = set; rest != 0; rest &= rest - 1) {
            ids.add(devices.get(Long.numberOfTrailingZeros(rest)).id());
        }
        return ids;
    }

    private static String praise(Ranked best) {
        Figures f = best.figures();
        String nodes = f.numaNodes() == 1 ? "one NUMA node" : f.numaNodes() + " NUMA nodes";
        if (Long.bitCount(best.set()) == 1) {
            return f.fragmentation() == 0
                    ? "the only free device"
                    : "least joined to the devices that stay free (" + f.fragmentation() + ")";
        }
        return (f.minLink() > 0
                        ? "at least " + links(f.minLink()) + " between any two"
                        : "no NVLink joins every two")
                + ", "
                + f.sum()
                + " points in all, on "
                + nodes
                + ", "
                + f.fragmentation()
                + " points torn from what stays free";
    }

    private static String worse(Ranked other, Ranked best) {
        Figures f = other.figures();
        Figures b = best.figures();
        if (f.minLink() != b.minLink()) {
            return "two of them have only "
                    + links(f.minLink())
                    + " between them, every two of the chosen "
                    + b.minLink()
                    + " or more";
        }
        if (f.sum() != b.sum()) {
            return "joined less well in all: " + f.sum() + " points, the chosen " + b.sum();
        }
        if (f.numaNodes() != b.numaNodes()) {
            return "spreads over " + f.numaNodes() + " NUMA nodes, the chosen " + b.numaNodes();
        }
        if (f.fragmentation() != b.fragmentation()) {
            return "tears more from what stays free: "
                    + f.fragmentation()
                    + " points, the chosen "
                    + b.fragmentation();
        }
        return "as good in every figure; the chosen has the lower index";
    }

    private static String links(int count) {
        return count == 1 ? "1 NVLink" : count + " NVLinks";
    }
}
