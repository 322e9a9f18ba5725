package dev.berth.containerizer.image.archive;

import dev.berth.containerizer.image.Digest;
import dev.berth.containerizer.image.ImageConfig;
import dev.berth.containerizer.image.ImageException;
import dev.berth.containerizer.image.ImageReference;
import dev.berth.containerizer.image.Platform;
import dev.berth.containerizer.image.layer.LayerStream;
import dev.berth.containerizer.image.layer.TarEntry;
import dev.berth.containerizer.image.layer.TarReader;
import dev.berth.containerizer.image.manifest.ConfigDocument;
import dev.berth.containerizer.image.manifest.ContentDigest;
import dev.berth.containerizer.image.manifest.Descriptor;
import dev.berth.containerizer.image.manifest.JsonObject;
import dev.berth.containerizer.image.manifest.ManifestDocument;
import dev.berth.containerizer.image.manifest.ManifestDocument.ImageIndex;
import dev.berth.containerizer.image.manifest.ManifestDocument.ImageManifest;
import dev.berth.containerizer.image.manifest.MediaTypes;
import dev.berth.containerizer.image.manifest.PlatformChoice;

import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * An archive or a layout directory with images: what {@code docker save} writes ({@code manifest.json}), or an OCI image layout ({@code index.json}); today's Docker writes both into one archive, and then the first is read, since it has
 * the names.
 *
 * <p>Thread: one.
 */
public final class ImageArchive implements AutoCloseable {
    private static final int MAX_MEMBERS = 100_000;
    private static final int MAX_INDEX_DEPTH = 4;
    private static final int BUFFER_BYTES = 128 << 10;

    /** Where each member's content is. */
    @FunctionalInterface
    private interface Contents {
        Optional<Path> find(String name) throws ImageException;
    }

    private final Contents contents;

    private ImageArchive(Contents contents) {
        this.contents = contents;
    }

    /**
     * Takes an archive apart: what names the layers may come last in it, so the members go to files first. The files are named by number, never by what the archive says.
     *
     * @param directory an empty directory, which the caller removes afterwards
     */
    public static ImageArchive spool(InputStream archive, Path directory)
            throws ImageException, IOException {
        Map<String, Path> files = new HashMap<>();
        Map<String, String> links = new HashMap<>();
        InputStream tarStream =
                LayerStream.decompress(new BufferedInputStream(archive, BUFFER_BYTES));
        TarReader tar = new TarReader(tarStream);
        byte[] buffer = new byte[BUFFER_BYTES];
        int number = 0;
        for (Optional<TarEntry> next = tar.next(); next.isPresent(); next = tar.next()) {
            TarEntry entry = next.get();
            String name = normalize(entry.name());
            if (++number > MAX_MEMBERS) {
                throw new ImageException(
                        ImageException.Kind.INVALID,
                        "image archive has more than " + MAX_MEMBERS + " members");
            }
            switch (entry.type()) {
                case REGULAR -> {
                    Path file = directory.resolve(Integer.toString(number));
                    try (OutputStream out = Files.newOutputStream(file)) {
                        for (int n = tar.read(buffer, Long.MAX_VALUE);
                                n >= 0;
                                n = tar.read(buffer, Long.MAX_VALUE)) {
                            out.write(buffer, 0, n);
                        }
                    }
                    files.put(name, file);
                }
                case HARD_LINK -> links.put(name, normalize(entry.linkName()));
                case SYMLINK -> links.put(name, relative(name, entry.linkName()));
                default -> {
                    // Directories; nothing else has a meaning here.
                }
            }
        }
        return new ImageArchive(name -> follow(files, links, name));
    }

    /** Reads an OCI layout, or an unpacked docker-archive, in a directory of the caller's. */
    public static ImageArchive directory(Path directory) {
        return new ImageArchive(name -> {
            Path file = directory.resolve(normalize(name));
            return Files.isRegularFile(file) ? Optional.of(file) : Optional.empty();
        });
    }

    private static Optional<Path> follow(
            Map<String, Path> files, Map<String, String> links, String name) throws ImageException {
        String at = normalize(name);
        for (int hops = 0; hops < 16; hops++) {
            Path file = files.get(at);
            if (file != null) {
                return Optional.of(file);
            }
            String target = links.get(at);
            if (target == null) {
                return Optional.empty();
            }
            at = target;
        }
        return Optional.empty();
    }

    /** Old docker-archives have {@code ID/layer.tar -> ../OTHER/layer.tar}. */
    private static String relative(String name, String target) throws ImageException {
        int slash = name.lastIndexOf('/');
        List<String> parts =
                new ArrayList<>(
                        slash < 0 ? List.of() : List.of(name.substring(0, slash).split("/", -1)));
        for (String part : target.split("/", -1)) {
            if (part.equals("..") && !parts.isEmpty()) {
                parts.removeLast();
            } else {
                parts.add(part);
            }
        }
        return normalize(String.join("/", parts));
    }

    private static String normalize(String name) throws ImageException {
        List<String> parts = new ArrayList<>();
        for (String part : name.split("/", -1)) {
            if (part.equals("..") || part.indexOf('\0') >= 0) {
                throw new ImageException(
                        ImageException.Kind.INVALID,
                        "image archive names \"" + name.replace('\0', '?') + "\"");
            }
            if (!part.isEmpty() && !part.equals(".")) {
                parts.add(part);
            }
        }
        return String.join("/", parts);
    }

    /**
     * The images in it.
     *
     * @param platform chosen where one name stands for several platforms
     */
    public List<LoadableImage> images(Platform platform) throws ImageException, IOException {
        Optional<byte[]> docker = small("manifest.json");
        if (docker.isPresent()) {
            return dockerImages(docker.get());
        }
        Optional<byte[]> index = small("index.json");
        if (index.isPresent()) {
            return layoutImages(index.get(), platform);
        }
        throw new ImageException(
                ImageException.Kind.INVALID,
                "no image archive: there is neither manifest.json (docker save) nor index.json (OCI layout) in it");
    }

    private Optional<byte[]> small(String name) throws ImageException, IOException {
        Optional<Path> file = contents.find(name);
        if (file.isEmpty()) {
            return Optional.empty();
        }
        if (Files.size(file.get()) > ManifestDocument.MAX_CONFIG_BYTES) {
            throw new ImageException(
                    ImageException.Kind.INVALID,
                    name
                            + " in the image archive is larger than "
                            + ManifestDocument.MAX_CONFIG_BYTES
                            + " bytes");
        }
        return Optional.of(Files.readAllBytes(file.get()));
    }

    private byte[] need(String name) throws ImageException, IOException {
        return small(name).orElseThrow(() -> missing(name));
    }

    private static ImageException missing(String name) {
        return new ImageException(
                ImageException.Kind.INVALID, "image archive has no " + name + ", which it names");
    }

    private List<LoadableImage> dockerImages(byte[] manifest) throws ImageException, IOException {
        List<LoadableImage> result = new ArrayList<>();
        for (JsonObject item : JsonObject.parseArray("manifest.json", manifest)) {
            byte[] configBytes = need(item.text("Config"));
            Digest id = ContentDigest.of("sha256", configBytes);
            List<LoadableImage.LayerSource> layers = new ArrayList<>();
            for (String name : item.strings("Layers")) {
                layers.add(source(name));
            }
            List<ImageReference> tags = new ArrayList<>();
            for (String tag : item.strings("RepoTags")) {
                tags.add(ImageReference.parse(tag));
            }
            result.add(image(id, configBytes, layers, tags));
        }
        return List.copyOf(result);
    }

    private LoadableImage.LayerSource source(String name) throws ImageException {
        Path file = contents.find(name).orElseThrow(() -> missing(name));
        return () -> Files.newInputStream(file);
    }

    private static LoadableImage image(
            Digest id,
            byte[] configBytes,
            List<LoadableImage.LayerSource> layers,
            List<ImageReference> tags)
            throws ImageException {
        ImageConfig config = ConfigDocument.parse(id, configBytes);
        if (config.diffIds().size() != layers.size()) {
            throw new ImageException(
                    ImageException.Kind.INVALID,
                    "image "
                            + id
                            + " has "
                            + layers.size()
                            + " layers in the archive, "
                            + config.diffIds().size()
                            + " in its configuration");
        }
        return new LoadableImage(id, configBytes, config, List.copyOf(layers), List.copyOf(tags));
    }

    private List<LoadableImage> layoutImages(byte[] index, Platform platform)
            throws ImageException, IOException {
        ManifestDocument document =
                ManifestDocument.parse(
                        ContentDigest.of("sha256", index), index, MediaTypes.OCI_INDEX);
        if (!(document instanceof ImageIndex top)) {
            throw new ImageException(
                    ImageException.Kind.INVALID, "index.json of the image layout is no index");
        }
        // Entries of one name are one image for several platforms.
        Map<String, List<Descriptor>> named = new LinkedHashMap<>();
        for (Descriptor entry : top.entries()) {
            String name =
                    entry.annotations()
                            .getOrDefault(
                                    "io.containerd.image.name",
                                    entry.annotations()
                                            .getOrDefault("org.opencontainers.image.ref.name", ""));
            named.computeIfAbsent(name, _ -> new ArrayList<>()).add(entry);
        }
        List<LoadableImage> result = new ArrayList<>();
        for (Map.Entry<String, List<Descriptor>> group : named.entrySet()) {
            Descriptor chosen = choose(group.getKey(), group.getValue(), platform);
            result.add(layoutImage(chosen, tags(group.getKey()), platform, 0));
        }
        return List.copyOf(result);
    }

    private static Descriptor choose(String name, List<Descriptor> entries, Platform platform)
            throws ImageException {
        Optional<Descriptor> chosen = PlatformChoice.choose(entries, platform);
        if (chosen.isPresent()) {
            return chosen.get();
        }
        // One image for another platform is what the user has: an index of several is not.
        if (entries.size() == 1) {
            return entries.getFirst();
        }
        throw PlatformChoice.noMatch(
                name.isEmpty() ? "image layout" : "image " + name, entries, platform);
    }

    /** A bare tag ({@code skopeo copy ... oci:dir:latest}) names no repository, so it names nothing. */
    private static List<ImageReference> tags(String name) throws ImageException {
        if (name.indexOf('/') < 0 && name.indexOf(':') < 0) {
            return List.of();
        }
        return List.of(ImageReference.parse(name));
    }

    private LoadableImage layoutImage(
            Descriptor descriptor, List<ImageReference> tags, Platform platform, int depth)
            throws ImageException, IOException {
        if (depth > MAX_INDEX_DEPTH) {
            throw new ImageException(
                    ImageException.Kind.INVALID,
                    "image layout has indexes nested deeper than " + MAX_INDEX_DEPTH);
        }
        byte[] bytes = verified(descriptor);
        return switch (ManifestDocument.parse(descriptor.digest(), bytes, descriptor.mediaType())) {
            case ImageIndex index ->
                    layoutImage(
                            choose(descriptor.digest().toString(), index.entries(), platform),
                            tags,
                            platform,
                            depth + 1);
            case ImageManifest manifest -> {
                List<LoadableImage.LayerSource> layers = new ArrayList<>();
                for (Descriptor layer : manifest.layers()) {
                    layers.add(source(blob(layer)));
                }
                yield image(manifest.config().digest(), verified(manifest.config()), layers, tags);
            }
        };
    }

    private static String blob(Descriptor descriptor) {
        return "blobs/" + descriptor.digest().algorithm() + "/" + descriptor.digest().hex();
    }

    private byte[] verified(Descriptor descriptor) throws ImageException, IOException {
        byte[] bytes = need(blob(descriptor));
        Digest actual = ContentDigest.of(descriptor.digest().algorithm(), bytes);
        if (!actual.equals(descriptor.digest()) || bytes.length != descriptor.sizeBytes()) {
            throw new ImageException(
                    ImageException.Kind.INVALID,
                    "blob " + descriptor.digest() + " of the image layout has other content");
        }
        return bytes;
    }

    @Override
    public void close() {
        // The spooled files are the caller's.
    }
}
