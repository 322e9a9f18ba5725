package dev.berth.gpu.ledger;

import dev.berth.gpu.DeviceException;
import dev.berth.gpu.DeviceGrant;
import dev.berth.gpu.DeviceId;
import dev.berth.gpu.ledger.LedgerEvent.JournalFailed;
import dev.berth.isolator.ContainerId;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Writes records in order. A grant that cannot be written is not made; what takes something away happens all the same, since without it nothing could be given back, and its record is kept until it can be written, before any
 * further grant.
 */
final class GrantLog {
    private final GrantJournal journal;
    private final ArrayDeque<LedgerEvent> events;
    private final ArrayDeque<GrantRecord> late = new ArrayDeque<>();

    GrantLog(GrantJournal journal, ArrayDeque<LedgerEvent> events) {
        this.journal = journal;
        this.events = events;
    }

    /** Returns why the grant is not in the journal. */
    Optional<String> give(DeviceGrant grant) {
        Optional<String> problem = flush();
        if (problem.isPresent()) {
            return problem;
        }
        return append(new GrantRecord.Granted(grant));
    }

    void take(GrantRecord record) {
        boolean known = !late.isEmpty();
        late.add(record);
        Optional<String> problem = flush();
        if (problem.isPresent() && !known) {
            events.add(new JournalFailed(problem.get()));
        }
    }

    /** Whether records wait to be written. */
    boolean lags() {
        return !late.isEmpty();
    }

    /** Tries again what could not be written; returns why it still cannot. */
    Optional<String> flush() {
        while (!late.isEmpty()) {
            Optional<String> problem = append(late.getFirst());
            if (problem.isPresent()) {
                return problem;
            }
            late.removeFirst();
        }
        return Optional.empty();
    }

    private Optional<String> append(GrantRecord record) {
        try {
            journal.append(record);
            return Optional.empty();
        } catch (DeviceException e) {
            return Optional.of(String.valueOf(e.getMessage()));
        }
    }

    /** What a journal says in the end. */
    record Replayed(Map<ContainerId, DeviceGrant> grants, Map<DeviceId, String> quarantined) {
        static Replayed of(List<GrantRecord> records) {
            Replayed so = new Replayed(new LinkedHashMap<>(), new LinkedHashMap<>());
            records.forEach(so::apply);
            return so;
        }

        private void apply(GrantRecord record) {
            switch (record) {
                case GrantRecord.Granted(DeviceGrant grant) -> {
                    grants.remove(grant.container());
                    for (ContainerId other : List.copyOf(grants.keySet())) {
                        grants.computeIfPresent(other, (_, former) -> without(former, grant));
                    }
                    grants.put(grant.container(), grant);
                }
                case GrantRecord.Released(ContainerId container) -> grants.remove(container);
                case GrantRecord.Quarantined(DeviceId device, String reason) ->
                        quarantined.put(device, reason);
                case GrantRecord.QuarantineLifted(DeviceId device) -> quarantined.remove(device);
            }
        }

        /** A release that could not be written shows here: the device was given to another one since. */
        @SuppressWarnings("NullAway") // computeIfPresent removes what becomes null.
        private static DeviceGrant without(DeviceGrant former, DeviceGrant grant) {
            List<DeviceId> left = new ArrayList<>(former.devices());
            left.removeAll(grant.devices());
            return left.isEmpty()
                    ? null
                    : new DeviceGrant(
                            former.container(), former.resourceName(), former.generation(), left);
        }
    }
}
