package dev.berth.containerizer.image;

import java.util.Optional;

/** {@code os/architecture[/variant]} in Go's words (image-spec image-index, "platform"). */
public record Platform(String os, String architecture, Optional<String> variant) {
    /** The platform of this machine. */
    public static Platform host() {
        String arch = System.getProperty("os.arch");
        return new Platform("linux", arch.equals("aarch64") ? "arm64" : "amd64", Optional.empty());
    }

    /** Parses {@code linux/amd64}, {@code linux/arm/v7} and the like. */
    public static Platform parse(String text) throws ImageException {
        String[] parts = text.split("/", -1);
        if (parts.length < 2 || parts.length > 3 || parts[0].isEmpty() || parts[1].isEmpty()) {
            throw new ImageException(
                    "invalid platform \""
                            + text
                            + "\": want os/architecture[/variant], such as linux/amd64");
        }
        return new Platform(
                parts[0], parts[1], parts.length == 3 ? Optional.of(parts[2]) : Optional.empty());
    }
}
