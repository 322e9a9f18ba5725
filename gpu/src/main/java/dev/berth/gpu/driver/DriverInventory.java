package dev.berth.gpu.driver;

import dev.berth.isolator.ContainerConfig.Link;
import dev.berth.linux.OwnedFd;

import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The driver's files of one generation, checked and held open. Closing it lets go of them.
 *
 * @param version such as {@code 580.65.06}
 * @param refusals why a capability cannot be given at all, by capability
 * @param warnings what was left out and why
 */
record DriverInventory(
        String version,
        List<Item> items,
        List<RootLink> rootLinks,
        Map<DriverCapability, String> refusals,
        List<String> warnings)
        implements AutoCloseable {
    /** An entry of the tree: relative path, parents first is not needed. */
    sealed interface Item {
        String path();

        Need need();
    }

    /** A bind of what {@code source} holds (O_PATH); {@code hostPath} is where that is. */
    record BoundFile(String path, OwnedFd source, String hostPath, Need need) implements Item {}

    record TreeLink(String path, String target, Need need) implements Item {}

    /** A link in the container's root. */
    record RootLink(Link link, Need need) {}

    /** Who gets it: whoever asks for one of these, and for compat32 if it is a 32-bit one. */
    record Need(Set<DriverCapability> capabilities, boolean compat32) {
        boolean in(Set<DriverCapability> asked) {
            return (!compat32 || asked.contains(DriverCapability.COMPAT32))
                    && capabilities.stream().anyMatch(asked::contains);
        }
    }

    DriverInventory {
        items = List.copyOf(items);
        rootLinks = List.copyOf(rootLinks);
        refusals = Map.copyOf(refusals);
        warnings = List.copyOf(warnings);
    }

    @Override
    public void close() {
        for (Item item : items) {
            if (item instanceof BoundFile file) {
                file.source().close();
            }
        }
    }
}
