package dev.berth.containerizer.image;

import java.util.List;

/**
 * An image in the store.
 *
 * @param id digest of the configuration's bytes: Docker's image id
 * @param config the configuration
 * @param tags full references ("docker.io/library/debian:12"), sorted
 * @param repoDigests {@code name@sha256:...} of manifests it was pulled by
 * @param sizeBytes of all its unpacked layers
 */
public record Image(
        Digest id,
        ImageConfig config,
        List<ImageReference> tags,
        List<String> repoDigests,
        long sizeBytes) {}
