package dev.berth.containerizer.image.manifest;

import dev.berth.containerizer.image.Digest;
import dev.berth.containerizer.image.ImageConfig;
import dev.berth.containerizer.image.ImageException;

import java.time.DateTimeException;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Reads an image's configuration (image-spec "config"; Docker's is the same with more members). */
public final class ConfigDocument {
    private ConfigDocument() {}

    /** Parses bytes whose digest was verified. */
    public static ImageConfig parse(Digest digest, byte[] bytes) throws ImageException {
        String what = "configuration " + digest;
        JsonObject json = JsonObject.parse(what, bytes);
        JsonObject process =
                json.object("config").orElse(JsonObject.parse(what, new byte[] {'{', '}'}));
        List<Digest> diffIds = new ArrayList<>();
        JsonObject rootfs =
                json.object("rootfs")
                        .orElseThrow(() ->
                                new ImageException(
                                        ImageException.Kind.INVALID, what + " has no rootfs"));
        for (String diffId : rootfs.strings("diff_ids")) {
            try {
                diffIds.add(Digest.parse(diffId));
            } catch (IllegalArgumentException e) {
                throw new ImageException(what + ": read diff_ids", e);
            }
        }
        return new ImageConfig(
                json.text("architecture"),
                json.text("os"),
                json.string("variant"),
                instant(json.string("created")),
                json.string("author"),
                process.text("User"),
                process.strings("Env"),
                process.strings("Entrypoint"),
                process.strings("Cmd"),
                process.text("WorkingDir"),
                keys(process, "Volumes"),
                keys(process, "ExposedPorts"),
                process.stringMap("Labels"),
                process.string("StopSignal"),
                List.copyOf(diffIds),
                history(json));
    }

    private static List<ImageConfig.History> history(JsonObject json) throws ImageException {
        List<ImageConfig.History> result = new ArrayList<>();
        for (JsonObject line : json.objects("history")) {
            result.add(
                    new ImageConfig.History(
                            instant(line.string("created")),
                            line.text("created_by"),
                            line.text("comment"),
                            line.flag("empty_layer")));
        }
        return List.copyOf(result);
    }

    private static List<String> keys(JsonObject json, String name) throws ImageException {
        Optional<JsonObject> object = json.object(name);
        return object.isEmpty() ? List.of() : List.copyOf(object.get().names());
    }

    /** Time is for people only: one that cannot be read is no reason to refuse an image. */
    private static Optional<Instant> instant(Optional<String> text) {
        try {
            return text.map(t -> OffsetDateTime.parse(t).toInstant());
        } catch (DateTimeException e) {
            return Optional.empty();
        }
    }
}
