package dev.berth.agent;

import dev.berth.containerizer.image.Digest;
import dev.berth.containerizer.image.Image;
import dev.berth.containerizer.image.ImageConfig;
import dev.berth.containerizer.image.ImageException;
import dev.berth.containerizer.image.ImageReference;
import dev.berth.containerizer.image.ImageStore;
import dev.berth.containerizer.image.Platform;
import dev.berth.containerizer.image.PullProgress;
import dev.berth.containerizer.image.RegistryCredentials;
import dev.berth.linux.OwnedFd;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Predicate;

/** A store with one image, {@code tiny:latest}. */
final class FakeImageStore implements ImageStore {
    static final Digest ID = new Digest("sha256", "ab".repeat(32));
    final Set<String> leases = ConcurrentHashMap.newKeySet();
    volatile Optional<RegistryCredentials> shown = Optional.empty();

    static ImageConfig config() {
        return new ImageConfig(
                "amd64",
                "linux",
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                "",
                List.of("PATH=/bin", "FOO=image", "KEEP=1"),
                List.of(),
                List.of("echo", "default"),
                "/work",
                List.of(),
                List.of(),
                Map.of("from", "image"),
                Optional.of("SIGTERM"),
                List.of(new Digest("sha256", "cd".repeat(32))),
                List.of(new ImageConfig.History(Optional.empty(), "made by hand", "", false)));
    }

    private Image image() {
        try {
            return new Image(
                    ID, config(), List.of(ImageReference.parse("tiny:latest")), List.of(), 1234);
        } catch (ImageException e) {
            throw new AssertionError(e);
        }
    }

    @Override
    public List<Image> list() {
        return List.of(image());
    }

    @Override
    public Optional<Image> find(String name) throws ImageException {
        boolean known =
                List.of(
                                "tiny",
                                "tiny:latest",
                                "docker.io/library/tiny:latest",
                                ID.toString(),
                                ID.hex().substring(0, 12))
                        .contains(name);
        return known ? Optional.of(image()) : Optional.empty();
    }

    @Override
    public Image pull(
            ImageReference reference,
            Platform platform,
            Optional<RegistryCredentials> credentials,
            PullProgress progress)
            throws ImageException {
        shown = credentials;
        if (reference.repository().endsWith("missing")) {
            throw new ImageException(
                    ImageException.Kind.NOT_FOUND, "no such manifest: " + reference);
        }
        progress.update("abcdef012345", "Pulling fs layer", 0, 0);
        if (reference.repository().endsWith("broken")) {
            throw new ImageException("layer abcdef012345: connection reset");
        }
        progress.update("abcdef012345", "Pull complete", 0, 0);
        return image();
    }

    @Override
    public List<Image> load(InputStream archive, PullProgress progress) throws ImageException {
        try {
            if (archive.transferTo(OutputStream.nullOutputStream()) < 10) {
                throw new ImageException(ImageException.Kind.INVALID, "not an archive");
            }
        } catch (IOException e) {
            throw new ImageException("read archive", e);
        }
        return List.of(image());
    }

    @Override
    public List<Image> loadLayout(Path directory, PullProgress progress) {
        return List.of(image());
    }

    @Override
    public void tag(Digest image, ImageReference reference) {}

    @Override
    public List<Removal> remove(String name, boolean force, Predicate<Digest> inUse)
            throws ImageException {
        if (inUse.test(ID)) {
            throw new ImageException(ImageException.Kind.CONFLICT, "image is in use");
        }
        return List.of(new Removal(Optional.of("tiny:latest"), Optional.empty()));
    }

    @Override
    public List<OwnedFd> acquireLayers(Digest image, String lease) {
        leases.add(lease);
        return List.of();
    }

    @Override
    public void release(String lease) {
        leases.remove(lease);
    }

    @Override
    public List<String> leases() {
        return List.copyOf(leases);
    }

    @Override
    public long collectGarbage() {
        return 0;
    }

    @Override
    public void close() {}
}
