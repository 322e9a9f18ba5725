package dev.berth.gpu.health;

import dev.berth.gpu.health.DeviceHealth.Incident;
import dev.berth.isolator.ContainerId;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** Arithmetic on a device's list of incidents; bounded work, the list is never longer than {@link DeviceHealth#MAX_INCIDENTS}. */
final class Incidents {
    private Incidents() {}

    /** The list with one more fault: those out of the window are gone, and a fault near one of the same container does not count again but tells the container where it was not known. */
    static List<Incident> add(List<Incident> known, Incident added, HealthSettings settings) {
        List<Incident> result = new ArrayList<>();
        boolean merged = false;
        for (Incident one : known) {
            if (!within(one, added.realtimeNs(), settings.windowNs())) {
                continue;
            }
            if (!merged && same(one, added, settings.incidentGapNs())) {
                merged = true;
                result.add(
                        one.container().isPresent()
                                ? one
                                : new Incident(
                                        one.realtimeNs(),
                                        one.code(),
                                        one.application(),
                                        added.container()));
            } else {
                result.add(one);
            }
        }
        if (!merged) {
            if (result.size() == DeviceHealth.MAX_INCIDENTS) {
                result.removeFirst();
            }
            result.add(added);
        }
        return result;
    }

    /** Also of a time that is ahead: the clock was set back. */
    private static boolean within(Incident one, long now, long windowNs) {
        return Math.abs(now - one.realtimeNs()) <= windowNs;
    }

    private static boolean same(Incident one, Incident added, long gapNs) {
        boolean container =
                one.container().isEmpty()
                        || added.container().isEmpty()
                        || one.container().equals(added.container());
        return one.application() == added.application()
                && container
                && within(one, added.realtimeNs(), gapNs);
    }

    static int count(List<Incident> incidents, boolean application) {
        int count = 0;
        for (Incident one : incidents) {
            count += one.application() == application ? 1 : 0;
        }
        return count;
    }

    /** How many containers' programs failed. */
    static int containers(List<Incident> incidents) {
        Set<ContainerId> seen = new HashSet<>();
        for (Incident one : incidents) {
            if (one.application()) {
                one.container().ifPresent(seen::add);
            }
        }
        return seen.size();
    }
}
