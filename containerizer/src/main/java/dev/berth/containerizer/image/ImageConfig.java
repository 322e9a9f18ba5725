package dev.berth.containerizer.image;

import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * An image's configuration (image-spec config): what a container inherits, and what inspection shows.
 *
 * @param diffIds digests of the uncompressed layers, base first
 * @param history created-by lines, base first
 */
public record ImageConfig(
        String architecture,
        String os,
        Optional<String> variant,
        Optional<Instant> created,
        Optional<String> author,
        String user,
        List<String> env,
        List<String> entrypoint,
        List<String> cmd,
        String workingDir,
        List<String> volumes,
        List<String> exposedPorts,
        Map<String, String> labels,
        Optional<String> stopSignal,
        List<Digest> diffIds,
        List<History> history) {
    /** One line of the image's history. */
    public record History(
            Optional<Instant> created, String createdBy, String comment, boolean emptyLayer) {}
}
