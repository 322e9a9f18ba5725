package dev.berth.containerizer.image.archive;

import dev.berth.containerizer.image.Digest;
import dev.berth.containerizer.image.ImageConfig;
import dev.berth.containerizer.image.ImageReference;

import java.io.IOException;
import java.io.InputStream;
import java.util.List;

/**
 * An image found in an archive; its layers are as many as its diff ids and still to be verified against them.
 *
 * @param id digest of {@code configBytes}
 */
public record LoadableImage(
        Digest id,
        byte[] configBytes,
        ImageConfig config,
        List<LayerSource> layers,
        List<ImageReference> tags) {
    /** Opens a layer's bytes, compressed or not. */
    @FunctionalInterface
    public interface LayerSource {
        InputStream open() throws IOException;
    }
}
