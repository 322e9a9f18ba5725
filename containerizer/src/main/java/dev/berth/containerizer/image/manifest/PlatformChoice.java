package dev.berth.containerizer.image.manifest;

import dev.berth.containerizer.image.ImageException;
import dev.berth.containerizer.image.Platform;

import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.TreeSet;

/** Chooses the entry of an index for a platform (image-spec image-index, "platform" and "Platform Variants"). */
public final class PlatformChoice {
    private PlatformChoice() {}

    /** The best entry: the highest variant that the platform can run, the first of equals. Entries without a platform are taken only when no entry has one. */
    public static Optional<Descriptor> choose(List<Descriptor> entries, Platform wanted) {
        Optional<Descriptor> best = Optional.empty();
        int bestRank = -1;
        boolean anyPlatform = false;
        for (Descriptor entry : entries) {
            if (!isImage(entry)) {
                continue;
            }
            anyPlatform |= entry.platform().isPresent();
            int rank = entry.platform().map(offered -> rank(offered, wanted)).orElse(-1);
            if (rank > bestRank) {
                best = Optional.of(entry);
                bestRank = rank;
            }
        }
        if (best.isEmpty() && !anyPlatform) {
            return entries.stream().filter(PlatformChoice::isImage).findFirst();
        }
        return best;
    }

    /** An error that lists what there is. */
    public static ImageException noMatch(String what, List<Descriptor> entries, Platform wanted) {
        TreeSet<String> offered = new TreeSet<>();
        for (Descriptor entry : entries) {
            if (isImage(entry)) {
                entry.platform().ifPresent(p -> offered.add(text(p)));
            }
        }
        return new ImageException(
                ImageException.Kind.NOT_FOUND,
                what
                        + " has no image for "
                        + text(wanted)
                        + "; it has "
                        + (offered.isEmpty() ? "none" : String.join(", ", offered)));
    }

    /** Whether an image for {@code offered} runs where {@code wanted} is asked for. */
    public static boolean runs(Platform offered, Platform wanted) {
        return rank(offered, wanted) >= 0;
    }

    private static boolean isImage(Descriptor entry) {
        return MediaTypes.isIndex(entry.mediaType()) || MediaTypes.isManifest(entry.mediaType());
    }

    /** −1 when it cannot run, else higher is better. */
    private static int rank(Platform offered, Platform wanted) {
        String architecture = architecture(wanted.architecture());
        if (!offered.os().equals(wanted.os())
                || !architecture(offered.architecture()).equals(architecture)) {
            return -1;
        }
        int limit = level(architecture, wanted.variant());
        int level = level(architecture, offered.variant());
        if (level > limit) {
            return -1;
        }
        return level;
    }

    /** Names that uname(2) and old tools use, in Go's words. */
    private static String architecture(String name) {
        return switch (name.toLowerCase(Locale.ROOT)) {
            case "x86_64", "x86-64", "amd64" -> "amd64";
            case "aarch64", "arm64" -> "arm64";
            case "i386", "i686", "386" -> "386";
            case "armhf", "arm" -> "arm";
            default -> name.toLowerCase(Locale.ROOT);
        };
    }

    private static int level(String architecture, Optional<String> variant) {
        String text = variant.orElse("");
        int given = 0;
        int start = text.startsWith("v") ? 1 : 0;
        for (int i = start; i < text.length() && i < start + 2; i++) {
            char c = text.charAt(i);
            if (c < '0' || c > '9') {
                break;
            }
            given = given * 10 + (c - '0');
        }
        if (given > 0) {
            return given;
        }
        return switch (architecture) {
            case "arm64" -> 8;
            case "arm" -> 7;
            default -> 1;
        };
    }

    private static String text(Platform platform) {
        return platform.os()
                + "/"
                + platform.architecture()
                + platform.variant().map(v -> "/" + v).orElse("");
    }
}
