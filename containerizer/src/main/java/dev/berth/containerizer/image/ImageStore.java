package dev.berth.containerizer.image;

import dev.berth.linux.OwnedFd;

import java.io.InputStream;
import java.util.List;
import java.util.Optional;

/**
 * The images of one data-root. Reads ({@link #list}, {@link #find}) answer from an immutable snapshot on any thread; everything else blocks: file lane only. Two pulls of the same content at the same time
 * share the work.
 */
public interface ImageStore extends AutoCloseable {
    /** All images, newest first. Any thread. */
    List<Image> list();

    /** By reference ("debian", "debian:12", "name@sha256:..."), full id or an unambiguous id prefix of at least one digit. Any thread. Throws when a prefix is ambiguous. */
    Optional<Image> find(String nameOrId) throws ImageException;

    /** Pulls from the registry that the reference names. A broken pull goes on where it stopped, also after a restart. */
    Image pull(
            ImageReference reference,
            Platform platform,
            Optional<RegistryCredentials> credentials,
            PullProgress progress)
            throws ImageException;

    /** Loads a docker-archive, an OCI layout in a tar, or either compressed with gzip or zstd; returns the loaded images. */
    List<Image> load(InputStream archive, PullProgress progress) throws ImageException;

    /** Loads an OCI layout directory. */
    List<Image> loadLayout(java.nio.file.Path directory, PullProgress progress)
            throws ImageException;

    void tag(Digest image, ImageReference reference) throws ImageException;

    /** Removes a tag, and the image with its last tag; by id removes all tags when {@code force}. The lines say what was untagged and deleted. Refuses an image that {@code inUse} accepts. */
    List<Removal> remove(String nameOrId, boolean force, java.util.function.Predicate<Digest> inUse)
            throws ImageException;

    /** Opens the unpacked layers of an image, base first, as O_PATH directory descriptors; they stay until {@link #release}. Takes a durable lease so that no collection removes them. */
    List<OwnedFd> acquireLayers(Digest image, String lease) throws ImageException;

    /** Drops a lease; an unknown one is a no-op. */
    void release(String lease) throws ImageException;

    /** Leases known from before a restart. */
    List<String> leases();

    /** Removes content that no tag, no lease and no pull in progress needs; returns the bytes freed. */
    long collectGarbage() throws ImageException;

    @Override
    void close();

    /** One line of {@code DELETE /images}: exactly one of the two is there. */
    record Removal(Optional<String> untagged, Optional<String> deleted) {}
}
