package dev.berth.containerizer.image.store;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;

import dev.berth.containerizer.image.Digest;
import dev.berth.containerizer.image.ImageException;
import dev.berth.containerizer.image.layer.LayerStream;
import dev.berth.containerizer.image.layer.LayerSummary;
import dev.berth.containerizer.image.layer.LayerUnpacker;
import dev.berth.containerizer.image.layer.UnpackLimits;
import dev.berth.containerizer.image.manifest.JsonObject;
import dev.berth.linux.Errno;
import dev.berth.linux.ErrnoException;
import dev.berth.linux.Fd;
import dev.berth.linux.Files;
import dev.berth.linux.Open;
import dev.berth.linux.OwnedFd;
import dev.berth.linux.file.TreeRemoval;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * The trees: unpacked under {@code tmp}, then renamed into place.
 *
 * <p>Thread: any; the maker of a tree is its only user until it has its name.
 */
final class LayerStore implements AutoCloseable {
    private static final String TREE = "fs";
    private static final String RECORD = "layer.json";
    private static final String ATTRIBUTES = "attributes-";

    private final Files files;
    private final StoreLayout layout;
    private final UnpackLimits limits;
    private final OwnedFd layers;
    private final OwnedFd tmp;
    private final Map<Digest, LayerSummary> known = new ConcurrentHashMap<>();

    private LayerStore(
            Files files, StoreLayout layout, UnpackLimits limits, OwnedFd layers, OwnedFd tmp) {
        this.files = files;
        this.layout = layout;
        this.limits = limits;
        this.layers = layers;
        this.tmp = tmp;
    }

    static LayerStore open(Files files, StoreLayout layout, UnpackLimits limits)
            throws ImageException {
        try {
            OwnedFd layers = openDirectory(files, Fd.CWD, layout.layers().toString());
            LayerStore store;
            try {
                store =
                        new LayerStore(
                                files,
                                layout,
                                limits,
                                layers,
                                openDirectory(files, Fd.CWD, layout.tmp().toString()));
            } catch (ErrnoException e) {
                layers.close();
                throw e;
            }
            store.load();
            return store;
        } catch (ErrnoException | IOException e) {
            throw new ImageException("open layers " + layout.layers(), e);
        }
    }

    private static OwnedFd openDirectory(Files files, Fd parent, String name)
            throws ErrnoException {
        return files.openat(parent, name, Open.O_RDONLY | Open.O_DIRECTORY, 0);
    }

    private void load() throws IOException, ErrnoException {
        for (String name : StoreLayout.names(layout.tmp())) {
            new TreeRemoval(files).remove(tmp, name);
        }
        for (String name : StoreLayout.names(layout.layers())) {
            Optional<Digest> digest = StoreLayout.digestOf(name);
            Optional<byte[]> bytes = StoreLayout.read(record(name));
            if (digest.isPresent() && bytes.isPresent()) {
                try {
                    known.put(digest.get(), parse(name, bytes.get()));
                } catch (ImageException e) {
                    // A power cut left a half-written record: the tree beside it is as doubtful.
                    discard(name);
                }
            } else if (!name.startsWith(ATTRIBUTES)) {
                discard(name);
            }
        }
    }

    private Path record(String name) {
        return layout.layers().resolve(name).resolve(RECORD);
    }

    boolean has(Digest diffId) {
        return known.containsKey(diffId);
    }

    Optional<LayerSummary> summary(Digest diffId) {
        return Optional.ofNullable(known.get(diffId));
    }

    Set<Digest> all() {
        return Set.copyOf(known.keySet());
    }

    /** A tree that has no name yet. */
    record Unpacked(String tmpName, Digest diffId, LayerSummary summary) {}

    /**
     * Unpacks a layer and verifies its diff id. Nothing is left behind on failure.
     *
     * @param compressed read to its end, not closed
     * @throws IOException when the stream breaks or is no compressed tar
     */
    Unpacked unpack(InputStream compressed, Digest diffId) throws ImageException, IOException {
        String name = layout.tmpName("layer");
        boolean done = false;
        try {
            files.mkdirat(tmp, name, 0700);
            files.mkdirat(tmp, name + "/" + TREE, 0755);
            LayerSummary summary;
            try (OwnedFd tree = openDirectory(files, tmp, name + "/" + TREE)) {
                files.fchmod(tree, 0755);
                LayerStream stream = LayerStream.open(compressed, diffId.algorithm(), limits);
                summary = new LayerUnpacker(files, tree, limits).unpack(stream);
                stream.verify(diffId);
            }
            java.nio.file.Files.write(layout.tmp().resolve(name).resolve(RECORD), format(summary));
            done = true;
            return new Unpacked(name, diffId, summary);
        } catch (ErrnoException e) {
            throw new ImageException("unpack layer " + diffId, e);
        } finally {
            if (!done) {
                forget(name);
            }
        }
    }

    /** Gives an unpacked tree its name; when another got it first, both are the same and this one goes. */
    void commit(Unpacked unpacked) throws ImageException {
        rename(unpacked.tmpName(), StoreLayout.fileName(unpacked.diffId()));
        known.put(unpacked.diffId(), unpacked.summary());
    }

    private void rename(String tmpName, String name) throws ImageException {
        try {
            files.renameat2(tmp, tmpName, layers, name, 0);
        } catch (ErrnoException e) {
            if (e.errno() != Errno.EEXIST && e.errno() != Errno.ENOTEMPTY) {
                throw new ImageException("commit layer " + name, e);
            }
            forget(tmpName);
        }
    }

    void discard(Unpacked unpacked) {
        forget(unpacked.tmpName());
    }

    /** What cannot be removed now is removed at the next open. */
    void forget(String tmpName) {
        try {
            new TreeRemoval(files).remove(tmp, tmpName);
        } catch (ErrnoException e) {
            return;
        }
    }

    /** The tree of a layer, as an O_PATH descriptor. */
    OwnedFd openTree(Digest diffId) throws ImageException {
        return openTree(StoreLayout.fileName(diffId));
    }

    OwnedFd openAttributes(Digest image) throws ImageException {
        return openTree(attributesName(image));
    }

    static String attributesName(Digest image) {
        return ATTRIBUTES + image.hex();
    }

    private OwnedFd openTree(String name) throws ImageException {
        try {
            return files.openat(layers, name + "/" + TREE, Open.O_PATH | Open.O_DIRECTORY, 0);
        } catch (ErrnoException e) {
            throw new ImageException("open layer " + name, e);
        }
    }

    /** Makes an empty tree under {@code tmp} for an image's attributes; {@link #commitAttributes} names it. */
    String newTree() throws ImageException {
        String name = layout.tmpName("attributes");
        try {
            files.mkdirat(tmp, name, 0700);
            files.mkdirat(tmp, name + "/" + TREE, 0755);
            return name;
        } catch (ErrnoException e) {
            throw new ImageException("make a layer for attributes", e);
        }
    }

    OwnedFd openNewTree(String tmpName) throws ImageException {
        try {
            return openDirectory(files, tmp, tmpName + "/" + TREE);
        } catch (ErrnoException e) {
            throw new ImageException("open a layer for attributes", e);
        }
    }

    void commitAttributes(String tmpName, Digest image) throws ImageException {
        rename(tmpName, attributesName(image));
    }

    boolean hasAttributes(Digest image) {
        return java.nio.file.Files.isDirectory(layout.layers().resolve(attributesName(image)));
    }

    /** Takes a layer's name away at once; the tree is removed by {@link #forget} of the answer, which may take long. Empty when there is none. */
    Optional<String> detach(Digest diffId) throws ImageException {
        known.remove(diffId);
        return detach(StoreLayout.fileName(diffId));
    }

    Optional<String> detach(String name) throws ImageException {
        String trash = layout.tmpName("removed");
        try {
            files.renameat2(layers, name, tmp, trash, 0);
            return Optional.of(trash);
        } catch (ErrnoException e) {
            if (e.errno() == Errno.ENOENT) {
                return Optional.empty();
            }
            throw new ImageException("remove layer " + name, e);
        }
    }

    private void discard(String name) throws ErrnoException {
        String trash = layout.tmpName("removed");
        files.renameat2(layers, name, tmp, trash, 0);
        forget(trash);
    }

    /** Names of attribute trees. */
    Set<String> attributeTrees() throws ImageException {
        try {
            Set<String> result = new java.util.TreeSet<>();
            for (String name : StoreLayout.names(layout.layers())) {
                if (name.startsWith(ATTRIBUTES)) {
                    result.add(name);
                }
            }
            return result;
        } catch (IOException e) {
            throw new ImageException("list layers " + layout.layers(), e);
        }
    }

    /** Makes all trees durable. */
    void sync() throws ImageException {
        try {
            files.syncfs(layers);
        } catch (ErrnoException e) {
            throw new ImageException("sync layers " + layout.layers(), e);
        }
    }

    private static byte[] format(LayerSummary summary) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try (JsonGenerator json = new JsonFactory().createGenerator(out)) {
            json.writeStartObject();
            json.writeNumberField("entries", summary.entries());
            json.writeNumberField("bytes", summary.bytes());
            json.writeArrayFieldStart("implicitDirectories");
            for (String directory : summary.implicitDirectories()) {
                json.writeString(directory);
            }
            json.writeEndArray();
            json.writeEndObject();
        }
        return out.toByteArray();
    }

    private static LayerSummary parse(String name, byte[] bytes) throws ImageException {
        JsonObject json = JsonObject.parse("record of layer " + name, bytes);
        return new LayerSummary(
                json.integer("entries").orElse(0),
                json.integer("bytes").orElse(0),
                json.strings("implicitDirectories"));
    }

    @Override
    public void close() {
        layers.close();
        tmp.close();
    }
}
