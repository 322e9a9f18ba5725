package dev.berth.containerizer.image.manifest;

import dev.berth.containerizer.image.Digest;
import dev.berth.containerizer.image.ImageException;

import java.util.ArrayList;
import java.util.List;

/** What a tag or an index entry points at: an image's manifest or an index of such (image-spec "manifest", "image-index"). */
public sealed interface ManifestDocument {
    /** Largest manifest or index that is accepted (distribution-spec asks registries for at least 4 MiB). */
    int MAX_BYTES = 4 << 20;

    /** Largest configuration that is accepted. */
    int MAX_CONFIG_BYTES = 8 << 20;

    /** More layers than this no overlay mount can hold. */
    int MAX_LAYERS = 500;

    String mediaType();

    /** One image: its configuration and its layers, base first. */
    record ImageManifest(String mediaType, Descriptor config, List<Descriptor> layers)
            implements ManifestDocument {}

    /** Several images, one for each platform; entries may be indexes themselves. */
    record ImageIndex(String mediaType, List<Descriptor> entries) implements ManifestDocument {}

    /**
     * Parses bytes whose digest was verified.
     *
     * @param declaredType what the source called them (a {@code Content-Type} without parameters, or the type in the descriptor that led here); empty when it said nothing
     */
    static ManifestDocument parse(Digest digest, byte[] bytes, String declaredType)
            throws ImageException {
        if (bytes.length > MAX_BYTES) {
            throw invalid(digest, "is larger than " + MAX_BYTES + " bytes");
        }
        JsonObject json = JsonObject.parse("manifest " + digest, bytes);
        long schema = json.integer("schemaVersion").orElse(2);
        if (schema == 1 || MediaTypes.isSchema1(declaredType)) {
            throw invalid(
                    digest,
                    "has Docker schema 1, which cannot be verified by content and is not supported: push the image again with a current tool");
        }
        if (schema != 2) {
            throw invalid(digest, "has unknown schemaVersion " + schema);
        }
        String type = json.text("mediaType");
        boolean declared = MediaTypes.isIndex(declaredType) || MediaTypes.isManifest(declaredType);
        // Two readers that trust different fields would see two images behind one digest
        // (CVE-2024-3727 class).
        if (!type.isEmpty() && declared && !type.equals(declaredType)) {
            throw invalid(digest, "says it is " + type + " but was served as " + declaredType);
        }
        if (json.has("manifests") && (json.has("layers") || json.has("config"))) {
            throw invalid(digest, "is both an index and a manifest");
        }
        if (type.isEmpty()) {
            type = declared ? declaredType : guess(json);
        }
        if (MediaTypes.isIndex(type)) {
            return new ImageIndex(type, descriptors(digest, json, "manifests"));
        }
        if (MediaTypes.isManifest(type)) {
            return image(digest, json, type);
        }
        throw invalid(digest, "has unsupported media type \"" + type + "\"");
    }

    private static String guess(JsonObject json) {
        return json.has("manifests") ? MediaTypes.OCI_INDEX : MediaTypes.OCI_MANIFEST;
    }

    private static ImageManifest image(Digest digest, JsonObject json, String type)
            throws ImageException {
        JsonObject config =
                json.object("config").orElseThrow(() -> invalid(digest, "has no configuration"));
        Descriptor configDescriptor = Descriptor.read("configuration of " + digest, config);
        List<Descriptor> layers = descriptors(digest, json, "layers");
        if (!MediaTypes.isConfig(configDescriptor.mediaType())) {
            throw invalid(
                    digest,
                    "is no container image: its configuration has media type \""
                            + configDescriptor.mediaType()
                            + "\"");
        }
        if (layers.size() > MAX_LAYERS) {
            throw invalid(digest, "has more than " + MAX_LAYERS + " layers");
        }
        for (Descriptor layer : layers) {
            if (!MediaTypes.isLayer(layer.mediaType())) {
                throw invalid(
                        digest,
                        "has a layer of unsupported media type \"" + layer.mediaType() + "\"");
            }
        }
        return new ImageManifest(type, configDescriptor, layers);
    }

    private static List<Descriptor> descriptors(Digest digest, JsonObject json, String name)
            throws ImageException {
        List<Descriptor> result = new ArrayList<>();
        for (JsonObject entry : json.objects(name)) {
            result.add(Descriptor.read(name + "[" + result.size() + "] of " + digest, entry));
        }
        return List.copyOf(result);
    }

    private static ImageException invalid(Digest digest, String why) {
        return new ImageException(ImageException.Kind.INVALID, "manifest " + digest + " " + why);
    }
}
