package dev.berth.gpu.ledger;

import dev.berth.gpu.DeviceException;
import dev.berth.gpu.DeviceGrant;
import dev.berth.gpu.DeviceId;
import dev.berth.isolator.ContainerId;

import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/** The grants: what each container holds, in step with the holders of the slots. */
final class Holdings {
    private final Inventory inventory;
    private final Map<ContainerId, DeviceGrant> grants = new LinkedHashMap<>();

    Holdings(Inventory inventory) {
        this.inventory = inventory;
    }

    Optional<DeviceGrant> find(ContainerId container) {
        return Optional.ofNullable(grants.get(container));
    }

    Collection<DeviceGrant> all() {
        return grants.values();
    }

    void put(DeviceGrant grant) {
        grants.put(grant.container(), grant);
    }

    Optional<DeviceGrant> remove(ContainerId container) {
        return Optional.ofNullable(grants.remove(container));
    }

    void hold(DeviceGrant grant, long nowNs) {
        put(grant);
        Optional<ContainerId> holder = Optional.of(grant.container());
        for (DeviceId id : grant.devices()) {
            Slot slot = inventory.claim(id, nowNs);
            if (!slot.holder.equals(holder)) {
                slot.become(DeviceState.GRANTED, nowNs);
                slot.holder = holder;
            }
        }
    }

    /** Present devices of the container. */
    long mask(ContainerId container) {
        DeviceGrant grant = grants.get(container);
        return grant == null ? 0 : inventory.mask(grant.devices());
    }

    /** What the container will hold with {@code devices} besides: in the order of the table, what is gone from it last. */
    DeviceGrant with(ContainerId container, long devices) {
        List<DeviceId> all = inventory.ids(mask(container) | devices);
        find(container).ifPresent(held -> all.addAll(without(held, all)));
        return new DeviceGrant(
                container, inventory.table().resourceName(), inventory.table().generation(), all);
    }

    static List<DeviceId> without(DeviceGrant grant, Collection<DeviceId> devices) {
        List<DeviceId> left = new ArrayList<>(grant.devices());
        left.removeAll(devices);
        return left;
    }

    DeviceGrant holding(ContainerId container, Collection<DeviceId> devices)
            throws DeviceException {
        DeviceGrant grant = grants.get(container);
        for (DeviceId id : devices) {
            if (grant == null || !grant.devices().contains(id)) {
                throw new DeviceException(
                        "container " + container.shortForm() + " does not hold device " + id);
            }
        }
        if (grant == null) {
            throw new DeviceException("container " + container.shortForm() + " holds no device");
        }
        return grant;
    }

    void checkNobodyElseHolds(DeviceGrant grant) throws DeviceException {
        for (DeviceId id : grant.devices()) {
            Optional<ContainerId> holder = inventory.find(id).flatMap(slot -> slot.holder);
            if (holder.isPresent() && !holder.get().equals(grant.container())) {
                throw new DeviceException(
                        String.format(
                                Locale.ROOT,
                                "device %s is held by container %s, not by %s",
                                id,
                                holder.get(),
                                grant.container()));
            }
        }
    }

    Optional<DeviceGrant> renew(ContainerId container) {
        DeviceGrant grant = grants.get(container);
        if (grant == null || !grant.devices().stream().allMatch(this::canStart)) {
            return Optional.empty();
        }
        DeviceGrant renewed = with(container, 0);
        put(renewed);
        return Optional.of(renewed);
    }

    private boolean canStart(DeviceId id) {
        return inventory
                .find(id)
                .filter(slot -> slot.present() && slot.unusable.isEmpty())
                .isPresent();
    }
}
