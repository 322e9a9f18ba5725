package dev.berth.containerizer.image.manifest;

import dev.berth.containerizer.image.Digest;
import dev.berth.containerizer.image.ImageException;
import dev.berth.containerizer.image.Platform;

import java.util.Map;
import java.util.Optional;

/**
 * A reference to content by digest and size (image-spec "descriptor").
 *
 * @param sizeBytes exact length of the content, never negative
 * @param platform what it runs on, in an index
 */
public record Descriptor(
        String mediaType,
        Digest digest,
        long sizeBytes,
        Optional<Platform> platform,
        Map<String, String> annotations) {

    /** Reads one; {@code what} names it in errors. */
    static Descriptor read(String what, JsonObject json) throws ImageException {
        String digest = json.text("digest");
        Digest parsed;
        try {
            parsed = Digest.parse(digest);
        } catch (IllegalArgumentException e) {
            throw new ImageException(
                    ImageException.Kind.INVALID, what + ": invalid digest \"" + digest + "\"");
        }
        long size = json.integer("size").orElse(-1);
        if (size < 0) {
            throw new ImageException(
                    ImageException.Kind.INVALID, what + " " + parsed + ": no valid size");
        }
        Optional<Platform> platform = Optional.empty();
        Optional<JsonObject> given = json.object("platform");
        if (given.isPresent()) {
            JsonObject p = given.get();
            platform =
                    Optional.of(
                            new Platform(
                                    p.text("os"), p.text("architecture"), p.string("variant")));
        }
        return new Descriptor(
                json.text("mediaType"), parsed, size, platform, json.stringMap("annotations"));
    }
}
