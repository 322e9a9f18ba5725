package dev.berth.containerizer.image.store;

import dev.berth.containerizer.image.Digest;
import dev.berth.containerizer.image.Image;
import dev.berth.containerizer.image.ImageConfig;
import dev.berth.containerizer.image.ImageException;
import dev.berth.containerizer.image.ImageReference;
import dev.berth.containerizer.image.ImageStore.Removal;
import dev.berth.containerizer.image.layer.LayerSummary;
import dev.berth.containerizer.image.manifest.ConfigDocument;
import dev.berth.containerizer.image.manifest.ContentDigest;
import dev.berth.containerizer.image.manifest.ManifestDocument;
import dev.berth.linux.Files;
import dev.berth.linux.OwnedFd;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import java.util.function.Predicate;

/**
 * Which images there are, and what has to stay for them.
 *
 * <p>Thread: reads on any, from one immutable state; changes one at a time.
 */
final class Catalog {
    private final StoreLayout layout;
    private final LayerStore layers;
    private final Leases leases;
    private final AttributeLayer attributes;
    private final ReentrantLock lock = new ReentrantLock();

    /** Layers that pulls and loads in progress count on: how many of them. */
    private final Map<Digest, Integer> pins = new HashMap<>();

    private volatile StoreState state = StoreState.EMPTY;

    private Catalog(Files files, StoreLayout layout, LayerStore layers, Leases leases) {
        this.layout = layout;
        this.layers = layers;
        this.leases = leases;
        this.attributes = new AttributeLayer(files, layers);
    }

    /** Reads the state; after a reboot, layers that no image has are dropped, since nothing says that they reached the disk. */
    static Catalog open(
            Files files, StoreLayout layout, LayerStore layers, Leases leases, boolean sameBoot)
            throws ImageException {
        Catalog catalog = new Catalog(files, layout, layers, leases);
        try {
            Optional<byte[]> bytes = StoreLayout.read(layout.state());
            if (bytes.isPresent()) {
                catalog.state = StoreState.parse(bytes.get(), catalog::readConfig);
            }
            if (!sameBoot) {
                catalog.sweepLayers();
                layout.writeDurably(
                        layout.boot(),
                        java.nio.file.Files.readAllBytes(
                                Path.of("/proc/sys/kernel/random/boot_id")));
            }
        } catch (IOException e) {
            throw new ImageException("read image store " + layout.root(), e);
        }
        return catalog;
    }

    private Optional<ImageConfig> readConfig(Digest id) throws ImageException {
        try {
            Optional<byte[]> bytes = StoreLayout.read(layout.config(id));
            if (bytes.isEmpty()
                    || bytes.get().length > ManifestDocument.MAX_CONFIG_BYTES
                    || !ContentDigest.of(id.algorithm(), bytes.get()).equals(id)) {
                return Optional.empty();
            }
            ImageConfig config = ConfigDocument.parse(id, bytes.get());
            // An image that lost a layer can start nothing: pulling it again brings the layer back.
            return layers.all().containsAll(config.diffIds())
                    ? Optional.of(config)
                    : Optional.empty();
        } catch (IOException e) {
            throw new ImageException("read configuration of image " + id, e);
        }
    }

    StoreState state() {
        return state;
    }

    Optional<StoreState.Entry> find(String nameOrId) throws ImageException {
        StoreState now = state;
        String hex = nameOrId;
        if (nameOrId.startsWith("sha256:") || nameOrId.startsWith("sha512:")) {
            hex = nameOrId.substring(nameOrId.indexOf(':') + 1);
        } else {
            Optional<StoreState.Entry> named = byName(now, nameOrId);
            if (named.isPresent()) {
                return named;
            }
        }
        if (hex.isEmpty() || !hex.chars().allMatch(c -> Character.digit(c, 16) >= 0)) {
            return Optional.empty();
        }
        List<StoreState.Entry> found = now.byPrefix(hex);
        if (found.size() > 1) {
            throw new ImageException(
                    ImageException.Kind.INVALID,
                    "image id prefix \"" + nameOrId + "\" is ambiguous: give more digits");
        }
        return found.stream().findFirst();
    }

    private static Optional<StoreState.Entry> byName(StoreState now, String name) {
        try {
            return now.byReference(ImageReference.parse(name));
        } catch (ImageException e) {
            // No reference: it may still be an id.
            return Optional.empty();
        }
    }

    static ImageException noSuchImage(String name) {
        return new ImageException(ImageException.Kind.NOT_FOUND, "no such image: " + name);
    }

    /** Keeps layers from being collected until {@link #unpin}. */
    Set<Digest> pin(List<Digest> diffIds) {
        Set<Digest> distinct = new LinkedHashSet<>(diffIds);
        lock.lock();
        try {
            for (Digest diffId : distinct) {
                pins.merge(diffId, 1, Integer::sum);
            }
        } finally {
            lock.unlock();
        }
        return distinct;
    }

    void unpin(Set<Digest> diffIds) {
        lock.lock();
        try {
            for (Digest diffId : diffIds) {
                pins.computeIfPresent(diffId, (_, count) -> count == 1 ? null : count - 1);
            }
        } finally {
            lock.unlock();
        }
    }

    /** Names an image whose layers are all there and pinned; it is durable when this returns. */
    Image commit(ImageContent content, Consumer<PullStep> crashPoints) throws ImageException {
        boolean extra = attributes.make(content.id(), content.config().diffIds());
        layers.sync();
        crashPoints.accept(PullStep.SYNCED);
        lock.lock();
        try {
            layout.writeDurably(layout.config(content.id()), content.configBytes());
            crashPoints.accept(PullStep.CONFIG_WRITTEN);
            StoreState next = state;
            if (content.tag().isPresent()) {
                next = next.withoutTag(content.tag().get());
            }
            Optional<StoreState.Entry> old = next.byId(content.id());
            TreeSet<ImageReference> tags = new TreeSet<>();
            TreeSet<String> repoDigests = new TreeSet<>();
            old.ifPresent(entry -> tags.addAll(entry.image().tags()));
            old.ifPresent(entry -> repoDigests.addAll(entry.image().repoDigests()));
            content.tag().ifPresent(tags::add);
            content.repoDigest().ifPresent(repoDigests::add);
            Image image =
                    new Image(
                            content.id(),
                            content.config(),
                            List.copyOf(tags),
                            List.copyOf(repoDigests),
                            size(content.config().diffIds()));
            boolean pinned = content.pinned() || old.map(StoreState.Entry::pinned).orElse(false);
            replace(next.with(new StoreState.Entry(image, pinned, extra)));
            crashPoints.accept(PullStep.IMAGE_COMMITTED);
            return image;
        } catch (IOException e) {
            throw new ImageException("commit image " + content.id(), e);
        } finally {
            lock.unlock();
        }
    }

    private long size(List<Digest> diffIds) {
        long bytes = 0;
        for (Digest diffId : new HashSet<>(diffIds)) {
            bytes += layers.summary(diffId).map(LayerSummary::bytes).orElse(0L);
        }
        return bytes;
    }

    private void replace(StoreState next) throws IOException {
        layout.writeDurably(layout.state(), next.format());
        state = next;
    }

    void tag(Digest id, ImageReference reference) throws ImageException {
        if (reference.tag().isEmpty() || reference.digest().isPresent()) {
            throw new ImageException(
                    ImageException.Kind.INVALID,
                    "tag " + reference.familiar() + ": want a name and a tag, no digest");
        }
        lock.lock();
        try {
            StoreState next = state.withoutTag(reference);
            StoreState.Entry entry = next.byId(id).orElseThrow(() -> noSuchImage(id.toString()));
            Set<ImageReference> tags = new TreeSet<>(entry.image().tags());
            tags.add(reference);
            replace(next.with(entry.withTags(tags)));
        } catch (IOException e) {
            throw new ImageException("tag image " + id, e);
        } finally {
            lock.unlock();
        }
    }

    List<Removal> remove(String nameOrId, boolean force, Predicate<Digest> inUse)
            throws ImageException {
        List<Removal> result = new ArrayList<>();
        List<String> trash;
        lock.lock();
        try {
            StoreState.Entry entry = find(nameOrId).orElseThrow(() -> noSuchImage(nameOrId));
            Image image = entry.image();
            Optional<ImageReference> tag = tagNamed(image, nameOrId);
            if (tag.isPresent() && image.tags().size() > 1) {
                replace(state.withoutTag(tag.get()));
                return List.of(untagged(tag.get().familiar()));
            }
            if (tag.isEmpty() && image.tags().size() > 1 && !force) {
                throw new ImageException(
                        ImageException.Kind.CONFLICT,
                        "image "
                                + nameOrId
                                + " has several tags: remove them by name, or all with force");
            }
            if (inUse.test(image.id())) {
                throw new ImageException(
                        ImageException.Kind.CONFLICT,
                        "image " + nameOrId + " is used by a container");
            }
            replace(state.without(image.id()));
            image.tags().forEach(name -> result.add(untagged(name.familiar())));
            for (String name : image.repoDigests()) {
                result.add(untagged(familiar(name)));
            }
            result.add(deleted(image.id().toString()));
            Set<Digest> had = new TreeSet<>(Comparator.comparing(Digest::toString));
            had.addAll(layers.all());
            trash = detachUnused();
            had.removeAll(layers.all());
            for (Digest diffId : had) {
                result.add(deleted(diffId.toString()));
            }
        } catch (IOException e) {
            throw new ImageException("remove image " + nameOrId, e);
        } finally {
            lock.unlock();
        }
        trash.forEach(layers::forget);
        return List.copyOf(result);
    }

    private static Optional<ImageReference> tagNamed(Image image, String name) {
        try {
            ImageReference reference = ImageReference.parse(name);
            return image.tags().contains(reference) ? Optional.of(reference) : Optional.empty();
        } catch (ImageException e) {
            // An id.
            return Optional.empty();
        }
    }

    private static Removal untagged(String name) {
        return new Removal(Optional.of(name), Optional.empty());
    }

    private static Removal deleted(String id) {
        return new Removal(Optional.empty(), Optional.of(id));
    }

    private static String familiar(String reference) throws ImageException {
        return ImageReference.parse(reference).familiar();
    }

    List<OwnedFd> acquire(Digest id, String lease) throws ImageException {
        List<OwnedFd> result = new ArrayList<>();
        boolean done = false;
        // Under the lock, so that no removal comes between the look and the lease.
        lock.lock();
        try {
            StoreState.Entry entry = state.byId(id).orElseThrow(() -> noSuchImage(id.toString()));
            leases.take(lease, id);
            for (Digest diffId : entry.image().config().diffIds()) {
                result.add(layers.openTree(diffId));
            }
            if (entry.attributes()) {
                result.add(layers.openAttributes(id));
            }
            done = true;
            return result;
        } finally {
            if (!done) {
                result.forEach(OwnedFd::close);
            }
            lock.unlock();
        }
    }

    /**
     * Removes untagged images and whatever nothing needs.
     *
     * @param fetching blobs whose partial files are in use
     * @return bytes of the trees and partial files removed
     */
    long collectGarbage(Set<Digest> fetching) throws ImageException {
        long freed = 0;
        List<String> trash;
        lock.lock();
        try {
            Set<Digest> leased = leases.images();
            StoreState next = state;
            for (StoreState.Entry entry : state.entries()) {
                Digest id = entry.image().id();
                if (entry.image().tags().isEmpty() && !entry.pinned() && !leased.contains(id)) {
                    next = next.without(id);
                }
            }
            if (next != state) {
                replace(next);
            }
            Map<Digest, Long> sizes = new HashMap<>();
            for (Digest diffId : layers.all()) {
                sizes.put(diffId, layers.summary(diffId).map(LayerSummary::bytes).orElse(0L));
            }
            trash = detachUnused();
            sizes.keySet().removeAll(layers.all());
            freed += sizes.values().stream().mapToLong(Long::longValue).sum();
            freed += removePartials(fetching);
        } catch (IOException e) {
            throw new ImageException("collect garbage in " + layout.root(), e);
        } finally {
            lock.unlock();
        }
        trash.forEach(layers::forget);
        return freed;
    }

    private long removePartials(Set<Digest> fetching) throws IOException {
        Set<String> keep = new HashSet<>();
        for (Digest blob : fetching) {
            keep.add(StoreLayout.fileName(blob));
            keep.add(StoreLayout.fileName(blob) + ".prefixes");
        }
        long freed = 0;
        for (String name : StoreLayout.names(layout.partial())) {
            Path file = layout.partial().resolve(name);
            if (!keep.contains(name)) {
                freed += java.nio.file.Files.size(file);
                java.nio.file.Files.delete(file);
            }
        }
        return freed;
    }

    private void sweepLayers() throws ImageException {
        lock.lock();
        try {
            detachUnused().forEach(layers::forget);
        } finally {
            lock.unlock();
        }
    }

    /** Takes the names of all layers, attribute trees and configurations that nothing needs; the trees are to be removed outside the lock. */
    private List<String> detachUnused() throws ImageException {
        Set<Digest> needed = new HashSet<>(pins.keySet());
        Set<String> configs = new HashSet<>();
        Set<String> trees = new HashSet<>();
        for (StoreState.Entry entry : state.entries()) {
            needed.addAll(entry.image().config().diffIds());
            configs.add(StoreLayout.fileName(entry.image().id()));
            trees.add(LayerStore.attributesName(entry.image().id()));
        }
        for (Digest id : leases.images()) {
            readConfig(id).ifPresent(config -> needed.addAll(config.diffIds()));
            configs.add(StoreLayout.fileName(id));
            trees.add(LayerStore.attributesName(id));
        }
        List<String> trash = new ArrayList<>();
        for (Digest diffId : layers.all()) {
            if (!needed.contains(diffId)) {
                layers.detach(diffId).ifPresent(trash::add);
            }
        }
        for (String tree : layers.attributeTrees()) {
            // Of an image that is being committed: its layers are pinned, but the tree's name tells
            // the image only.
            if (!trees.contains(tree) && pins.isEmpty()) {
                layers.detach(tree).ifPresent(trash::add);
            }
        }
        try {
            for (String name : StoreLayout.names(layout.configs())) {
                if (!configs.contains(name)) {
                    java.nio.file.Files.delete(layout.configs().resolve(name));
                }
            }
        } catch (IOException e) {
            throw new ImageException("remove configurations in " + layout.configs(), e);
        }
        return trash;
    }
}
