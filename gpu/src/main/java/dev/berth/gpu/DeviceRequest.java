package dev.berth.gpu;

import java.util.List;
import java.util.Set;

/**
 * What a container asks for.
 *
 * @param resourceName the kind, such as {@code nvidia.com/gpu}
 * @param capabilities parts of the driver it wants ({@code compute}, {@code utility}, {@code graphics} ...); empty is the provider's default
 */
public record DeviceRequest(String resourceName, Selection selection, Set<String> capabilities) {
    public DeviceRequest {
        capabilities = Set.copyOf(capabilities);
    }

    /** Which devices. */
    public sealed interface Selection {
        /** So many, the best that are free together. {@code count} ≥ 1. */
        record Count(int count) implements Selection {}

        /** Every device of the node, all or nothing. */
        record All() implements Selection {}

        /** These, by UUID, unique prefix of one, PCI address or index, all or nothing. */
        record Named(List<String> names) implements Selection {
            public Named {
                names = List.copyOf(names);
            }
        }
    }
}
