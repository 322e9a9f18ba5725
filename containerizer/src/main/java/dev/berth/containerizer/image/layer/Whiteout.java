package dev.berth.containerizer.image.layer;

import dev.berth.containerizer.image.ImageException;

import java.util.List;
import java.util.Optional;

/** The names that take files away (image-spec layer, "Whiteouts"). */
final class Whiteout {
    static final String OPAQUE = ".wh..wh..opq";

    private static final String PREFIX = ".wh.";
    private static final String META = ".wh..wh.";

    private Whiteout() {}

    /** The opaque marker, or something that AUFS kept for itself: neither becomes a file. */
    static boolean isMeta(List<String> path) {
        for (String part : path) {
            if (part.startsWith(META)) {
                return true;
            }
        }
        return false;
    }

    static boolean isInside(List<String> path) {
        for (String part : path) {
            if (part.startsWith(PREFIX)) {
                return true;
            }
        }
        return false;
    }

    /** What {@code .wh.NAME} removes. */
    static Optional<String> removedName(String member, String name) throws ImageException {
        if (!name.startsWith(PREFIX)) {
            return Optional.empty();
        }
        String removed = name.substring(PREFIX.length());
        if (removed.isEmpty() || removed.equals(".") || removed.equals("..")) {
            throw LayerTree.refuse(member, "is a whiteout of nothing");
        }
        return Optional.of(removed);
    }
}
