package dev.berth.gpu.ledger;

import dev.berth.gpu.DeviceGrant;
import dev.berth.gpu.DeviceId;
import dev.berth.gpu.DeviceRequest.Selection;
import dev.berth.gpu.ledger.LedgerEvent.Cause;
import dev.berth.gpu.ledger.LedgerEvent.Granted;
import dev.berth.gpu.ledger.LedgerEvent.Refused;
import dev.berth.gpu.ledger.LedgerView.DeviceView;
import dev.berth.isolator.ContainerId;

import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** What must hold between the ledger and the world, at every time. */
final class Oracle {
    private record Asked(Selection selection, long deadlineNs) {}

    private final World world;
    private final Map<ContainerId, List<DeviceId>> launching;

    /** Those who have no answer yet, in the order in which they asked. */
    private final Map<ContainerId, Asked> open = new LinkedHashMap<>();

    private final Set<DeviceId> quarantined = new HashSet<>();
    private final Set<DeviceId> unusable = new HashSet<>();

    Oracle(World world, Map<ContainerId, List<DeviceId>> launching) {
        this.world = world;
        this.launching = launching;
    }

    void require(boolean holds, String what) {
        if (!holds) {
            throw new AssertionError(what);
        }
    }

    /** The agent died: nobody waits, and what was not written is not known. */
    void forget() {
        open.clear();
        unusable.clear();
        if (world.journalLags) {
            quarantined.retainAll(GrantLog.Replayed.of(world.journal).quarantined().keySet());
        }
    }

    void asked(ContainerId container, Selection selection, long deadlineNs) {
        open.put(container, new Asked(selection, deadlineNs));
    }

    void answered(ContainerId container) {
        open.remove(container);
    }

    Set<ContainerId> waiting() {
        return open.keySet();
    }

    boolean waits(ContainerId container) {
        return open.containsKey(container);
    }

    void usable(DeviceId id, boolean usable) {
        if (usable) {
            unusable.remove(id);
        } else {
            unusable.add(id);
        }
    }

    void quarantined(DeviceId id) {
        quarantined.add(id);
    }

    void lifted(DeviceId id) {
        quarantined.remove(id);
    }

    void granted(Granted granted) {
        Asked asked = open.get(granted.container());
        require(asked != null, "granted without a request: " + granted);
        List<DeviceId> added = granted.added();
        require(new HashSet<>(added).size() == added.size(), "twice in one grant: " + granted);
        for (DeviceId id : added) {
            require(world.of(id).present, "granted what is gone: " + id);
            require(world.clean(id), "granted what is not clean or in use: " + id);
            require(!unusable.contains(id), "granted what is not healthy: " + id);
            require(!quarantined.contains(id), "granted out of quarantine: " + id);
            launching.forEach((other, ids) ->
                    require(!ids.contains(id), "granted twice: " + id + " to " + other));
        }
        int wanted =
                switch (asked.selection()) {
                    case Selection.Count(int count) -> count;
                    case Selection.All _ -> world.table().devices().size();
                    case Selection.Named(List<String> names) -> new HashSet<>(names).size();
                };
        require(added.size() == wanted, "not all or nothing: " + asked + " got " + granted);
        fair(granted);
        open.remove(granted.container());
    }

    /** Whoever asked before and still waits could not have used what was given. */
    private void fair(Granted granted) {
        for (Map.Entry<ContainerId, Asked> earlier : open.entrySet()) {
            if (earlier.getKey().equals(granted.container())) {
                return;
            }
            for (DeviceId id : granted.added()) {
                require(
                        !wants(earlier.getValue().selection(), id),
                        id + " overtakes " + earlier + ": " + granted);
            }
        }
    }

    private boolean wants(Selection selection, DeviceId id) {
        return switch (selection) {
            case Selection.Count _, Selection.All _ -> true;
            case Selection.Named(List<String> names) ->
                    names.contains(Integer.toString(world.of(id).device.index()));
        };
    }

    void refused(Refused refused, DeviceLedger ledger) {
        Asked asked = open.remove(refused.container());
        require(asked != null, "refused without a request: " + refused);
        if (asked.selection() instanceof Selection.Count(int count)
                && refused.cause() == Cause.WAITED_IN_VAIN) {
            require(asked.deadlineNs() <= world.now, "refused too early: " + refused);
        } else if (asked.selection() instanceof Selection.Count(int count)
                && refused.cause() != Cause.NOT_JOURNALED) {
            long possible =
                    ledger.view().devices().stream()
                            .filter(device -> device.present() && device.usable())
                            .filter(device ->
                                    device.state() == DeviceState.FREE
                                            || device.state() == DeviceState.VERIFYING)
                            .count();
            require(possible < count, "refused what was possible: " + refused);
        }
    }

    void checkDeadlines() {
        open.forEach((container, asked) ->
                require(asked.deadlineNs() > world.now, "left to wait: " + container));
    }

    void check(DeviceLedger ledger, boolean discovered) {
        Map<DeviceId, ContainerId> holders = new HashMap<>();
        for (DeviceGrant grant : ledger.grants()) {
            ContainerId container = grant.container();
            require(
                    launching.containsKey(container) || world.access.containsKey(container),
                    "a grant of nobody: " + grant);
            for (DeviceId id : grant.devices()) {
                require(holders.put(id, container) == null, "granted twice: " + id);
            }
        }
        Set<DeviceId> seen = new HashSet<>();
        for (DeviceView device : ledger.view().devices()) {
            require(seen.add(device.id()), "two states of " + device);
            require(
                    device.holder().equals(Optional.ofNullable(holders.get(device.id())))
                            && device.holder().isPresent()
                                    == (device.state() == DeviceState.GRANTED),
                    "held by " + holders.get(device.id()) + ": " + device);
        }
        world.metal
                .values()
                .forEach(metal ->
                        require(
                                !discovered || !metal.present || seen.contains(metal.device.id()),
                                "a device is lost: " + metal.device.id()));
        require(seen.containsAll(holders.keySet()), "a held device is lost");
        Set<DeviceId> opened = new HashSet<>();
        world.access.forEach((container, ids) -> {
            for (DeviceId id : ids) {
                require(opened.add(id), "two containers can open " + id);
                require(
                        container.equals(holders.get(id)),
                        container + " opens what it does not hold: " + id);
            }
        });
        require(
                ledger.view().waiting().stream()
                        .map(LedgerView.WaitView::container)
                        .toList()
                        .equals(List.copyOf(open.keySet())),
                "who waits: " + ledger.view().waiting() + " and " + open);
    }
}
