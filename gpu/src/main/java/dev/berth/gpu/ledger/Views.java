package dev.berth.gpu.ledger;

import dev.berth.gpu.DeviceGrant;
import dev.berth.gpu.DeviceId;
import dev.berth.gpu.DeviceRequest.Selection;
import dev.berth.gpu.choice.Explanation;
import dev.berth.gpu.ledger.LedgerView.DeviceView;
import dev.berth.gpu.ledger.LedgerView.WaitView;

import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The ledger as others see it. */
final class Views {
    private Views() {}

    static LedgerView of(Inventory inventory, Requests requests) {
        List<DeviceView> devices = new ArrayList<>();
        for (Slot slot : inventory.all()) {
            devices.add(
                    new DeviceView(
                            slot.id,
                            slot.state,
                            slot.present(),
                            slot.unusable.isEmpty(),
                            reason(slot, requests),
                            slot.holder,
                            slot.sinceNs));
        }
        List<WaitView> waiting = new ArrayList<>();
        requests.waiting()
                .forEach(want -> waiting.add(new WaitView(want.container(), want.deadlineNs())));
        return new LedgerView(inventory.table().generation(), devices, waiting);
    }

    private static String reason(Slot slot, Requests requests) {
        String reason = slot.reason();
        boolean keeps = slot.present() && (requests.kept() >>> slot.position & 1) != 0;
        return reason.isEmpty() && keeps ? "kept for a request that waits for more" : reason;
    }

    static Explanation explain(
            Inventory inventory, Requests requests, Selection selection, int limit) {
        Map<DeviceId, String> unavailable = new LinkedHashMap<>();
        for (Slot slot : inventory.present()) {
            String reason = reason(slot, requests);
            if (!reason.isEmpty()) {
                unavailable.put(slot.id, reason);
            }
        }
        return Explanation.of(inventory.chooser(), selection, unavailable, limit);
    }

    static List<GrantRecord> records(Inventory inventory, Collection<DeviceGrant> grants) {
        List<GrantRecord> records = new ArrayList<>();
        grants.forEach(grant -> records.add(new GrantRecord.Granted(grant)));
        for (Slot slot : inventory.all()) {
            slot.condemned.ifPresent(
                    reason -> records.add(new GrantRecord.Quarantined(slot.id, reason)));
        }
        return records;
    }
}
