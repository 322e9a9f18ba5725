package dev.berth.containerizer.image.store;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;

import dev.berth.containerizer.image.Digest;
import dev.berth.containerizer.image.Image;
import dev.berth.containerizer.image.ImageConfig;
import dev.berth.containerizer.image.ImageException;
import dev.berth.containerizer.image.ImageReference;
import dev.berth.containerizer.image.manifest.JsonObject;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;

/**
 * All images at one moment. Immutable: a change makes a new state, which becomes the current one when it is durable.
 *
 * <p>Thread: any.
 */
final class StoreState {
    private static final int VERSION = 1;

    static final StoreState EMPTY = new StoreState(Map.of());

    private final Map<Digest, Entry> entries;
    private final List<Image> images;

    /**
     * One image.
     *
     * @param pinned kept without a tag: it was pulled by digest or loaded without a name
     * @param attributes whether a tree of directory attributes belongs on top of its layers
     */
    record Entry(Image image, boolean pinned, boolean attributes) {
        Entry withTags(Collection<ImageReference> tags) {
            return new Entry(
                    new Image(
                            image.id(),
                            image.config(),
                            List.copyOf(new TreeSet<>(tags)),
                            image.repoDigests(),
                            image.sizeBytes()),
                    pinned,
                    attributes);
        }
    }

    private StoreState(Map<Digest, Entry> entries) {
        this.entries = entries;
        this.images =
                entries.values().stream()
                        .map(Entry::image)
                        .sorted(
                                Comparator.comparing((Image i) ->
                                                i.config().created().orElse(Instant.EPOCH))
                                        .reversed()
                                        .thenComparing(i -> i.id().hex()))
                        .toList();
    }

    static StoreState of(Collection<Entry> entries) {
        Map<Digest, Entry> map = new LinkedHashMap<>();
        entries.forEach(entry -> map.put(entry.image().id(), entry));
        return new StoreState(Map.copyOf(map));
    }

    List<Image> images() {
        return images;
    }

    Collection<Entry> entries() {
        return entries.values();
    }

    Optional<Entry> byId(Digest id) {
        return Optional.ofNullable(entries.get(id));
    }

    /** By tag, or by {@code name@digest} of a manifest it was pulled by. */
    Optional<Entry> byReference(ImageReference reference) {
        for (Entry entry : entries.values()) {
            Image image = entry.image();
            if (reference.digest().isPresent()
                    ? image.repoDigests().contains(repoDigest(reference))
                    : image.tags().contains(reference)) {
                return Optional.of(entry);
            }
        }
        return Optional.empty();
    }

    static String repoDigest(ImageReference reference) {
        return reference.registry()
                + "/"
                + reference.repository()
                + "@"
                + reference.digest().map(Digest::toString).orElse("");
    }

    /** Those whose id's hexadecimal form starts so. */
    List<Entry> byPrefix(String hex) {
        List<Entry> result = new ArrayList<>();
        for (Entry entry : entries.values()) {
            if (entry.image().id().hex().startsWith(hex)) {
                result.add(entry);
            }
        }
        return result;
    }

    StoreState with(Entry entry) {
        Map<Digest, Entry> next = new LinkedHashMap<>(entries);
        next.put(entry.image().id(), entry);
        return new StoreState(Map.copyOf(next));
    }

    StoreState without(Digest id) {
        Map<Digest, Entry> next = new LinkedHashMap<>(entries);
        next.remove(id);
        return new StoreState(Map.copyOf(next));
    }

    /** Takes a tag from whoever has it. */
    StoreState withoutTag(ImageReference tag) {
        Optional<Entry> owner = byReference(tag);
        if (owner.isEmpty()) {
            return this;
        }
        TreeSet<ImageReference> left = new TreeSet<>(owner.get().image().tags());
        left.remove(tag);
        return with(owner.get().withTags(left));
    }

    byte[] format() {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try (JsonGenerator json =
                new JsonFactory().createGenerator(out).useDefaultPrettyPrinter()) {
            json.writeStartObject();
            json.writeNumberField("version", VERSION);
            json.writeArrayFieldStart("images");
            for (Image image : images) {
                Entry entry = entries.get(image.id());
                json.writeStartObject();
                json.writeStringField("id", image.id().toString());
                strings(json, "tags", image.tags().stream().map(ImageReference::toString).toList());
                strings(json, "repoDigests", image.repoDigests());
                json.writeNumberField("sizeBytes", image.sizeBytes());
                json.writeBooleanField("pinned", entry != null && entry.pinned());
                json.writeBooleanField("attributes", entry != null && entry.attributes());
                json.writeEndObject();
            }
            json.writeEndArray();
            json.writeEndObject();
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
        return out.toByteArray();
    }

    private static void strings(JsonGenerator json, String name, List<String> values)
            throws IOException {
        json.writeArrayFieldStart(name);
        for (String value : values) {
            json.writeString(value);
        }
        json.writeEndArray();
    }

    /** Reads an image's configuration; empty when it is not there or not whole. */
    @FunctionalInterface
    interface ConfigReader {
        Optional<ImageConfig> read(Digest id) throws ImageException;
    }

    /** Reads a state; an image whose configuration is not there is left out. */
    static StoreState parse(byte[] bytes, ConfigReader configs) throws ImageException {
        JsonObject json = JsonObject.parse("image store state", bytes);
        long version = json.integer("version").orElse(0);
        if (version != VERSION) {
            throw new ImageException(
                    "image store has format "
                            + version
                            + ", this program knows "
                            + VERSION
                            + ": use the program that wrote it, or another data-root");
        }
        List<Entry> entries = new ArrayList<>();
        for (JsonObject item : json.objects("images")) {
            Digest id;
            try {
                id = Digest.parse(item.text("id"));
            } catch (IllegalArgumentException e) {
                throw new ImageException("read image store state", e);
            }
            Optional<ImageConfig> config = configs.read(id);
            if (config.isEmpty()) {
                continue;
            }
            TreeSet<ImageReference> tags = new TreeSet<>();
            for (String tag : item.strings("tags")) {
                tags.add(ImageReference.parse(tag));
            }
            entries.add(
                    new Entry(
                            new Image(
                                    id,
                                    config.get(),
                                    List.copyOf(tags),
                                    item.strings("repoDigests"),
                                    item.integer("sizeBytes").orElse(0)),
                            item.flag("pinned"),
                            item.flag("attributes")));
        }
        return of(entries);
    }
}
