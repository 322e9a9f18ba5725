package dev.berth.containerizer.image.store;

import dev.berth.containerizer.image.Digest;
import dev.berth.containerizer.image.ImageConfig;
import dev.berth.containerizer.image.ImageReference;

import java.util.Optional;

/**
 * An image whose layers are all in the store, about to be named.
 *
 * @param configBytes exact bytes whose digest {@code id} is
 * @param tag a tag that moves to this image
 * @param repoDigest {@code name@digest} of the manifest it was pulled by
 * @param pinned kept without a tag
 */
record ImageContent(
        Digest id,
        byte[] configBytes,
        ImageConfig config,
        Optional<ImageReference> tag,
        Optional<String> repoDigest,
        boolean pinned) {}
