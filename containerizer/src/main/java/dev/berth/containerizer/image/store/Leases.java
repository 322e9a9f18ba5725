package dev.berth.containerizer.image.store;

import dev.berth.containerizer.image.Digest;
import dev.berth.containerizer.image.ImageException;

import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Pattern;

/**
 * Who uses which image: one link for each lease, its target the image id, so that a lease is there whole or not at all. Taking one costs no sync: a kill loses none, and where a power cut could lose one, the container record
 * that is synced after it goes through the same journal.
 *
 * <p>Thread: any.
 */
final class Leases {
    private static final Pattern NAME = Pattern.compile("[A-Za-z0-9][A-Za-z0-9_.-]{0,127}");

    private final Path directory;
    private final Map<String, Digest> held = new ConcurrentHashMap<>();

    private Leases(Path directory) {
        this.directory = directory;
    }

    static Leases open(Path directory) throws ImageException {
        Leases leases = new Leases(directory);
        try {
            for (String name : StoreLayout.names(directory)) {
                Path link = directory.resolve(name);
                Optional<Digest> image = target(link);
                if (image.isPresent()) {
                    leases.held.put(name, image.get());
                } else {
                    Files.delete(link);
                }
            }
        } catch (IOException e) {
            throw new ImageException("read leases " + directory, e);
        }
        return leases;
    }

    private static Optional<Digest> target(Path link) throws IOException {
        if (!Files.isSymbolicLink(link)) {
            return Optional.empty();
        }
        try {
            return Optional.of(Digest.parse(Files.readSymbolicLink(link).toString()));
        } catch (IllegalArgumentException e) {
            return Optional.empty();
        }
    }

    /** Takes a lease, or finds it taken for the same image. */
    void take(String name, Digest image) throws ImageException {
        if (!NAME.matcher(name).matches()) {
            throw new ImageException(
                    ImageException.Kind.INVALID, "invalid lease name \"" + name + "\"");
        }
        Digest before = held.putIfAbsent(name, image);
        if (before != null) {
            if (!before.equals(image)) {
                throw new ImageException(
                        ImageException.Kind.CONFLICT,
                        "lease " + name + " is held for image " + before);
            }
            return;
        }
        try {
            Files.createSymbolicLink(directory.resolve(name), Path.of(image.toString()));
        } catch (FileAlreadyExistsException e) {
            throw new ImageException("take lease " + name, e);
        } catch (IOException e) {
            held.remove(name);
            throw new ImageException("take lease " + name, e);
        }
    }

    void release(String name) throws ImageException {
        if (!held.containsKey(name)) {
            return;
        }
        try {
            Files.deleteIfExists(directory.resolve(name));
        } catch (IOException e) {
            throw new ImageException("release lease " + name, e);
        }
        held.remove(name);
    }

    List<String> names() {
        return List.copyOf(new TreeSet<>(held.keySet()));
    }

    Set<Digest> images() {
        return Set.copyOf(held.values());
    }
}
