package dev.berth.master.cluster;

import dev.berth.master.allocator.Role;
import dev.berth.master.resources.Ranges;
import dev.berth.master.resources.Resources;
import dev.berth.protocol.v1.Protos.Resource;
import dev.berth.protocol.v1.Protos.Value;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Resources between our value and the wire's messages. Reservations, volumes, revocable and shared resources are not there yet and are refused by name. */
public final class ResourceWire {
    /** Of one list. Nobody has so many kinds of resources, and each entry costs time by those before it. */
    private static final int MOST_ENTRIES = 1000;

    private static final long MOST_MILLIS = (long) (Resources.MAX_AMOUNT * 1000);

    private ResourceWire() {}

    /**
     * The sum of all entries.
     *
     * @throws ResourceException for an entry that is malformed, or of a kind that is not there yet
     */
    public static Resources read(List<Resource> entries) throws ResourceException {
        if (entries.size() > MOST_ENTRIES) {
            throw new ResourceException(
                    entries.size() + " entries of resources: at most " + MOST_ENTRIES);
        }
        Resources sum = Resources.EMPTY;
        for (Resource entry : entries) {
            Resources next = read(entry);
            if (!sum.without(next).equals(sum) && entry.getType() != Value.Type.SCALAR) {
                throw new ResourceException(
                        "Resource '" + entry.getName() + "' names the same thing twice");
            }
            sum = sum.plus(next);
            if (sum.millis(entry.getName()) > MOST_MILLIS) {
                throw new ResourceException(
                        "Resource '"
                                + entry.getName()
                                + "' adds up to more than "
                                + (long) Resources.MAX_AMOUNT);
            }
        }
        if (sum.millis("gpus") % 1000 != 0) {
            throw new ResourceException("The 'gpus' resource must be a whole number");
        }
        return sum;
    }

    @SuppressWarnings("deprecation") // the older of the two formats of reservations
    private static Resources read(Resource entry) throws ResourceException {
        String name = entry.getName();
        if (name.isEmpty()) {
            throw new ResourceException("A resource has no name");
        }
        boolean reserved = entry.hasRole() && !entry.getRole().equals("*");
        if (reserved || entry.hasReservation() || entry.getReservationsCount() > 0) {
            throw new ResourceException(
                    "Resource '" + name + "' is reserved: reservations are not there yet");
        }
        if (entry.hasRevocable() || entry.hasShared() || entry.hasProviderId()) {
            throw new ResourceException(
                    "Resource '"
                            + name
                            + "' is revocable, shared or of a provider: that is not there yet");
        }
        if (entry.getDisk().hasPersistence()
                || entry.getDisk().hasVolume()
                || entry.getDisk().hasSource()) {
            throw new ResourceException(
                    "Resource '" + name + "' is a volume: volumes are not there yet");
        }
        try {
            return value(entry);
        } catch (IllegalArgumentException e) {
            throw new ResourceException("Resource '" + name + "' is invalid: " + e.getMessage());
        }
    }

    private static Resources value(Resource entry) throws ResourceException {
        String name = entry.getName();
        return switch (entry.getType()) {
            case SCALAR -> {
                boolean clean = entry.hasScalar() && !entry.hasRanges() && !entry.hasSet();
                yield Resources.scalar(required(entry, clean), entry.getScalar().getValue());
            }
            case RANGES -> {
                boolean clean = entry.hasRanges() && !entry.hasScalar() && !entry.hasSet();
                List<Ranges.Range> ranges = new ArrayList<>();
                for (Value.Range range : entry.getRanges().getRangeList()) {
                    ranges.add(new Ranges.Range(range.getBegin(), range.getEnd()));
                }
                yield Resources.numbers(required(entry, clean), Ranges.of(ranges));
            }
            case SET -> {
                boolean clean = entry.hasSet() && !entry.hasScalar() && !entry.hasRanges();
                yield Resources.names(required(entry, clean), entry.getSet().getItemList());
            }
            case TEXT -> throw new ResourceException("Resource '" + name + "' cannot be text");
        };
    }

    private static String required(Resource entry, boolean clean) throws ResourceException {
        if (!clean) {
            throw new ResourceException(
                    "Resource '"
                            + entry.getName()
                            + "' must have a value of its type, and only that");
        }
        return entry.getName();
    }

    /**
     * The role that all entries are allocated to.
     *
     * @throws ResourceException when they differ
     */
    public static Optional<String> role(List<Resource> entries) throws ResourceException {
        Optional<String> role = Optional.empty();
        for (Resource entry : entries) {
            if (entry.hasAllocationInfo() && entry.getAllocationInfo().hasRole()) {
                String next = entry.getAllocationInfo().getRole();
                if (role.isPresent() && !role.get().equals(next)) {
                    throw new ResourceException(
                            "The resources are allocated to two roles, '"
                                    + role.get()
                                    + "' and '"
                                    + next
                                    + "'");
                }
                role = Optional.of(next);
            }
        }
        return role;
    }

    /** Entries without an allocation. */
    public static List<Resource> write(Resources resources) {
        return write(resources, Optional.empty());
    }

    /** Entries that are allocated to a role. */
    public static List<Resource> write(Resources resources, Role role) {
        return write(
                resources,
                Optional.of(Resource.AllocationInfo.newBuilder().setRole(role.path()).build()));
    }

    @SuppressWarnings("deprecation") // Mesos writes it for unreserved resources too
    private static List<Resource> write(
            Resources resources, Optional<Resource.AllocationInfo> allocation) {
        List<Resource> written = new ArrayList<>();
        for (dev.berth.master.resources.Resource entry : resources.entries()) {
            Resource.Builder next = Resource.newBuilder().setName(entry.name()).setRole("*");
            switch (entry) {
                case dev.berth.master.resources.Resource.Scalar scalar ->
                        next.setType(Value.Type.SCALAR)
                                .setScalar(Value.Scalar.newBuilder().setValue(scalar.value()));
                case dev.berth.master.resources.Resource.Numbers numbers -> {
                    next.setType(Value.Type.RANGES);
                    Value.Ranges.Builder ranges = Value.Ranges.newBuilder();
                    for (Ranges.Range range : numbers.ranges().ranges()) {
                        ranges.addRange(
                                Value.Range.newBuilder()
                                        .setBegin(range.begin())
                                        .setEnd(range.end()));
                    }
                    next.setRanges(ranges);
                }
                case dev.berth.master.resources.Resource.Names names ->
                        next.setType(Value.Type.SET)
                                .setSet(Value.Set.newBuilder().addAllItem(names.items().names()));
            }
            allocation.ifPresent(next::setAllocationInfo);
            written.add(next.build());
        }
        return written;
    }
}
