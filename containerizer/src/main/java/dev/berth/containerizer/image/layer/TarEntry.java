package dev.berth.containerizer.image.layer;

import java.util.List;
import java.util.Map;

/**
 * One member of a tar: its header after all extensions (POSIX pax, GNU long names, base-256 numbers, sparse maps) are applied.
 *
 * @param name as written, UTF-8, with any slashes
 * @param mode permission bits with setuid, setgid and sticky
 * @param sizeBytes of the file: for a sparse one more than the archive holds
 * @param linkName target of a link
 * @param xattrs extended attributes, values byte for byte
 * @param sparse where the archived bytes belong; empty for a file without holes
 */
public record TarEntry(
        String name,
        Type type,
        int mode,
        int uid,
        int gid,
        long sizeBytes,
        long mtimeSeconds,
        int mtimeNanoseconds,
        String linkName,
        int major,
        int minor,
        Map<String, byte[]> xattrs,
        List<Segment> sparse) {
    public enum Type {
        REGULAR,
        HARD_LINK,
        SYMLINK,
        CHAR_DEVICE,
        BLOCK_DEVICE,
        DIRECTORY,
        FIFO
    }

    /** A run of bytes that are not a hole. */
    public record Segment(long offset, long lengthBytes) {}
}
