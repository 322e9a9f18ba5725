package dev.berth.containerizer.image.layer;

import java.util.List;

/**
 * What an unpacked layer holds.
 *
 * @param entries members of its tar
 * @param bytes sum of its file sizes
 * @param implicitDirectories directories that members lie in but that the layer does not describe: their owner and mode come from the layers below
 */
public record LayerSummary(long entries, long bytes, List<String> implicitDirectories) {}
