package dev.berth.containerizer;

import java.nio.file.Path;
import java.util.function.Consumer;

/**
 * What a containerizer is told when it is made.
 *
 * @param dataRoot durable: logs, generated files
 * @param execRoot of this boot, best on tmpfs: sockets, exit records, journal
 * @param networkNamespaces how many to hold ready; 0 makes each at its start
 * @param complaints receives errors that belong to no event, one sentence each; on the conductor
 */
public record ContainerizerSettings(
        Path dataRoot, Path execRoot, int networkNamespaces, Consumer<String> complaints) {
    /** Holds eight network namespaces ready. */
    public static final int DEFAULT_NETWORK_NAMESPACES = 8;
}
