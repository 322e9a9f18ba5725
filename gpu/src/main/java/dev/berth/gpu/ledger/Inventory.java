package dev.berth.gpu.ledger;

import dev.berth.gpu.Device;
import dev.berth.gpu.DeviceException;
import dev.berth.gpu.DeviceId;
import dev.berth.gpu.DeviceTable;
import dev.berth.gpu.choice.Chooser;
import dev.berth.gpu.choice.DeviceNames;
import dev.berth.gpu.ledger.LedgerEvent.Gone;
import dev.berth.gpu.ledger.LedgerEvent.Renumbered;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** The slots: those of the table by position, and those that the table does not have but somebody holds or that are in quarantine. Sets of present devices are masks of positions. */
final class Inventory {
    private final Map<DeviceId, Slot> slots = new LinkedHashMap<>();
    private final Map<DeviceId, String> unusable = new HashMap<>();
    private final Map<DeviceId, Looks> looks = new HashMap<>();
    private Slot[] present = {};
    private Chooser chooser;
    private boolean discovered;

    Inventory(String resourceName) {
        try {
            chooser = Chooser.of(DeviceTable.empty(resourceName));
        } catch (DeviceException e) {
            throw new AssertionError("an empty table is not too large", e);
        }
    }

    boolean discovered() {
        return discovered;
    }

    Chooser chooser() {
        return chooser;
    }

    DeviceTable table() {
        return chooser.table();
    }

    Optional<Slot> find(DeviceId id) {
        return Optional.ofNullable(slots.get(id));
    }

    /** Every slot, those of the table first, in its order. */
    List<Slot> all() {
        List<Slot> all = new ArrayList<>(List.of(present));
        for (Slot slot : slots.values()) {
            if (!slot.present()) {
                all.add(slot);
            }
        }
        return all;
    }

    Slot[] present() {
        return present;
    }

    /** A slot for a device that records speak of. */
    Slot claim(DeviceId id, long nowNs) {
        return slots.computeIfAbsent(id, _ -> fresh(id, nowNs));
    }

    private Slot fresh(DeviceId id, long nowNs) {
        Slot slot = new Slot(id, looks(id), nowNs);
        slot.unusable = Optional.ofNullable(unusable.get(id));
        return slot;
    }

    Looks looks(DeviceId id) {
        return looks.computeIfAbsent(id, _ -> new Looks());
    }

    void forget(Slot slot) {
        slots.remove(slot.id);
    }

    /** Remembered for devices that come later, too. */
    void setUsable(DeviceId id, Optional<String> why) {
        why.ifPresentOrElse(reason -> unusable.put(id, reason), () -> unusable.remove(id));
        find(id).ifPresent(slot -> slot.unusable = why);
    }

    /**
     * Takes a new table.
     *
     * @return the devices that came and are to be verified
     */
    List<Slot> take(DeviceTable table, ArrayDeque<LedgerEvent> events, long nowNs)
            throws DeviceException {
        Chooser next = Chooser.of(table);
        DeviceTable before = table();
        boolean first = !discovered;
        for (Slot slot : List.copyOf(slots.values())) {
            if (table.find(slot.id).isEmpty()) {
                goes(slot, first, events);
            }
        }
        List<Slot> came = new ArrayList<>();
        Slot[] placed = new Slot[table.devices().size()];
        for (int i = 0; i < placed.length; i++) {
            Device device = table.devices().get(i);
            boolean known = slots.containsKey(device.id());
            Slot slot = claim(device.id(), nowNs);
            if (!known || (slot.state == DeviceState.VERIFYING && !slot.present())) {
                came.add(slot);
            }
            boolean moved =
                    before.find(device.id())
                            .map(former -> !former.nodes().equals(device.nodes()))
                            .orElse(!first);
            if (moved && slot.holder.isPresent()) {
                events.add(new Renumbered(slot.id, slot.holder.get()));
            }
            slot.position = i;
            placed[i] = slot;
        }
        present = placed;
        chooser = next;
        discovered = true;
        return came;
    }

    private void goes(Slot slot, boolean first, ArrayDeque<LedgerEvent> events) {
        boolean was = slot.present();
        slot.position = Slot.ABSENT;
        if (was || (first && slot.state == DeviceState.GRANTED)) {
            events.add(new Gone(slot.id, slot.holder));
        }
        if (slot.state == DeviceState.FREE || slot.state == DeviceState.VERIFYING) {
            forget(slot);
        }
    }

    /** What can be given out at once. */
    long free() {
        return usable(DeviceState.FREE);
    }

    /** What can be given out if it is found clean. */
    long verifying() {
        return usable(DeviceState.VERIFYING);
    }

    private long usable(DeviceState state) {
        long mask = 0;
        for (int i = 0; i < present.length; i++) {
            if (present[i].state == state && present[i].unusable.isEmpty()) {
                mask |= 1L << i;
            }
        }
        return mask;
    }

    long every() {
        return present.length == Long.SIZE ? -1L : (1L << present.length) - 1;
    }

    long mask(Collection<DeviceId> ids) {
        long mask = 0;
        for (DeviceId id : ids) {
            Slot slot = slots.get(id);
            mask |= slot == null || !slot.present() ? 0 : 1L << slot.position;
        }
        return mask;
    }

    List<DeviceId> ids(long mask) {
        List<DeviceId> ids = new ArrayList<>(Long.bitCount(mask));
        for (long rest = mask; rest != 0; rest &= rest - 1) {
            ids.add(present[Long.numberOfTrailingZeros(rest)].id);
        }
        return ids;
    }

    /** {@code GPU-… (index 0) is granted to 0123456789ab; …} for those of {@code mask} against which something stands. */
    String reasons(long mask) {
        List<String> words = new ArrayList<>();
        for (long rest = mask; rest != 0; rest &= rest - 1) {
            int i = Long.numberOfTrailingZeros(rest);
            String reason = present[i].reason();
            if (!reason.isEmpty()) {
                words.add(DeviceNames.described(table().devices().get(i)) + " is " + reason);
            }
        }
        return String.join("; ", words);
    }
}
