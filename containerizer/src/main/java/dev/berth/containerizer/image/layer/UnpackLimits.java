package dev.berth.containerizer.image.layer;

/**
 * What one layer may be. The defaults let the largest honest images pass and end a decompression bomb long before the disk is full.
 *
 * @param entries members of the tar
 * @param bytes sum of file sizes, holes included
 * @param ratio decompressed over compressed bytes, looked at once {@code ratioFloorBytes} came out
 * @param ratioFloorBytes smaller layers may have any ratio
 * @param devices whether device nodes are made; containers cannot open them without a device rule either way
 */
public record UnpackLimits(
        long entries, long bytes, int ratio, long ratioFloorBytes, boolean devices) {
    public static UnpackLimits defaults() {
        return new UnpackLimits(5_000_000, 256L << 30, 300, 1L << 30, true);
    }
}
