package dev.berth.jobs;

import dev.berth.protocol.v1.Protos.Offer;
import dev.berth.protocol.v1.Protos.Resource;

import java.util.List;
import java.util.OptionalLong;

/** What of offers any task may have: neither reserved, nor revocable, nor on volumes. Pure functions. */
final class Offered {
    private Offered() {}

    // Frameworks without refinement are told of reservations the old way.
    @SuppressWarnings("deprecation")
    private static boolean isPlain(Resource resource) {
        return resource.getReservationsCount() == 0
                && !resource.hasReservation()
                && (!resource.hasRole() || resource.getRole().equals("*"))
                && !resource.hasRevocable()
                && !resource.hasShared()
                && !resource.getDisk().hasPersistence();
    }

    /** In thousandths, as Mesos counts. */
    static long thousandths(List<Offer> offers, String name) {
        long sum = 0;
        for (Offer offer : offers) {
            for (Resource resource : offer.getResourcesList()) {
                if (resource.getName().equals(name) && isPlain(resource)) {
                    sum += thousandths(resource.getScalar().getValue());
                }
            }
        }
        return sum;
    }

    static long thousandths(double value) {
        return Math.round(value * 1000);
    }

    /** A port, the {@code nth} of those offered, counted round. */
    static OptionalLong port(List<Offer> offers, long nth) {
        long count = ports(offers, -1).size();
        return count == 0 ? OptionalLong.empty() : ports(offers, Math.floorMod(nth, count)).nth();
    }

    private record Ports(long size, OptionalLong nth) {}

    private static Ports ports(List<Offer> offers, long nth) {
        long before = 0;
        for (Offer offer : offers) {
            for (Resource resource : offer.getResourcesList()) {
                if (!resource.getName().equals("ports") || !isPlain(resource)) {
                    continue;
                }
                for (var range : resource.getRanges().getRangeList()) {
                    long size = range.getEnd() - range.getBegin() + 1;
                    if (nth >= before && nth < before + size) {
                        return new Ports(size, OptionalLong.of(range.getBegin() + nth - before));
                    }
                    before += size;
                }
            }
        }
        return new Ports(before, OptionalLong.empty());
    }

    /** How many workers of a job these offers of one agent hold. */
    static int workers(List<Offer> offers, JobSpec spec) {
        if (!offers.isEmpty()
                && !spec.rules().constraints().stream()
                        .allMatch(constraint -> constraint.admits(offers.getFirst()))) {
            return 0;
        }
        long most = spec.workers();
        most = Math.min(most, fit(offers, "cpus", thousandths(spec.cpus())));
        most = Math.min(most, fit(offers, "mem", spec.memoryMib() * 1000));
        most = Math.min(most, fit(offers, "gpus", spec.gpus() * 1000L));
        return (int) most;
    }

    private static long fit(List<Offer> offers, String name, long each) {
        return each <= 0 ? Long.MAX_VALUE : thousandths(offers, name) / each;
    }
}
