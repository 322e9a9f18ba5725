package dev.berth.isolator;

import dev.berth.linux.Fd;
import dev.berth.linux.OwnedFd;

import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * The descriptors of one launch, by slot. Owns them; {@link #close} closes all that were not taken.
 *
 * <p>Thread: one at a time.
 */
public final class Slots implements AutoCloseable {
    private final Map<Slot, OwnedFd> filled = new LinkedHashMap<>();
    private final Set<Slot> files = new LinkedHashSet<>();

    /** Fills a slot with a descriptor that is now owned here; on a slot that is filled already the descriptor is closed and the call fails. */
    public void fill(Slot slot, OwnedFd fd) {
        if (filled.putIfAbsent(slot, fd) != null) {
            fd.close();
            throw new IllegalStateException("slot " + slot + " is filled twice");
        }
    }

    /** As {@link #fill}, for a mount whose root is not a directory: its mount point is made as a file. */
    public void fillFile(Slot slot, OwnedFd fd) {
        fill(slot, fd);
        files.add(slot);
    }

    /** The descriptor, still owned here. */
    public Optional<Fd> find(Slot slot) {
        return Optional.ofNullable(filled.get(slot));
    }

    /** The descriptor of a slot that must be filled. */
    public Fd require(Slot slot) {
        return find(slot)
                .orElseThrow(() -> new IllegalStateException("slot " + slot + " is empty"));
    }

    /** Gives a descriptor away. */
    public Optional<OwnedFd> take(Slot slot) {
        files.remove(slot);
        return Optional.ofNullable(filled.remove(slot));
    }

    /** Whether the slot holds a mount of something that is not a directory. */
    public boolean isFile(Slot slot) {
        return files.contains(slot);
    }

    public Set<Slot> filled() {
        return Set.copyOf(filled.keySet());
    }

    @Override
    public void close() {
        filled.values().forEach(OwnedFd::close);
        filled.clear();
        files.clear();
    }
}
