package dev.berth.containerizer.image.store;

import dev.berth.containerizer.image.Digest;
import dev.berth.containerizer.image.Image;
import dev.berth.containerizer.image.ImageConfig;
import dev.berth.containerizer.image.ImageException;
import dev.berth.containerizer.image.ImageReference;
import dev.berth.containerizer.image.ImageStore;
import dev.berth.containerizer.image.Platform;
import dev.berth.containerizer.image.PullProgress;
import dev.berth.containerizer.image.RegistryCredentials;
import dev.berth.containerizer.image.archive.ImageArchive;
import dev.berth.containerizer.image.archive.LoadableImage;
import dev.berth.containerizer.image.manifest.Descriptor;
import dev.berth.containerizer.image.registry.HelperProcessCredentials;
import dev.berth.containerizer.image.registry.RegistrySession;
import dev.berth.linux.ErrnoException;
import dev.berth.linux.Fd;
import dev.berth.linux.Linux;
import dev.berth.linux.Open;
import dev.berth.linux.OwnedFd;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Semaphore;
import java.util.function.Predicate;

/**
 * The image store in a directory; the package documentation has its layout and what survives what.
 *
 * <p>Thread: {@code list} and {@code find} read one immutable state; all else blocks and may be called from several threads.
 */
public final class DirectoryImageStore implements ImageStore {
    private static final Path BOOT_ID = Path.of("/proc/sys/kernel/random/boot_id");

    private final StoreLayout layout;
    private final OwnedFd lockFile;
    private final ImageStoreOptions options;
    private final LayerStore layers;
    private final Leases leases;
    private final LayerPulls pulls;
    private final Catalog catalog;

    private DirectoryImageStore(
            Linux linux,
            StoreLayout layout,
            OwnedFd lockFile,
            ImageStoreOptions options,
            LayerStore layers,
            boolean sameBoot)
            throws ImageException {
        this.layout = layout;
        this.lockFile = lockFile;
        this.options = options;
        this.layers = layers;
        this.leases = Leases.open(layout.leases());
        this.catalog = Catalog.open(linux.files(), layout, layers, leases, sameBoot);
        this.pulls =
                new LayerPulls(
                        new LayerPull.Context(
                                layers,
                                layout.partial(),
                                sameBoot,
                                new Semaphore(options.parallelLayers(), true),
                                options.registry().retry(),
                                options.crashPoints()));
    }

    /** Opens or creates the store of a data-root with Docker's defaults and this user's stored credentials. */
    public static DirectoryImageStore open(Linux linux, Path dataRoot) throws ImageException {
        return open(
                linux,
                dataRoot,
                ImageStoreOptions.defaults()
                        .withCredentialHelper(
                                new HelperProcessCredentials(linux, System.getenv())));
    }

    /**
     * Opens or creates the store of a data-root, and removes what a killed process left half made.
     *
     * @throws ImageException CONFLICT when another process has it open
     */
    public static DirectoryImageStore open(Linux linux, Path dataRoot, ImageStoreOptions options)
            throws ImageException {
        StoreLayout layout = StoreLayout.create(dataRoot);
        OwnedFd lock = lock(linux, layout);
        @Nullable LayerStore layers = null;
        try {
            boolean sameBoot = sameBoot(layout);
            layers = LayerStore.open(linux.files(), layout, options.limits());
            return new DirectoryImageStore(linux, layout, lock, options, layers, sameBoot);
        } catch (ImageException | RuntimeException e) {
            if (layers != null) {
                layers.close();
            }
            lock.close();
            throw e;
        }
    }

    private static OwnedFd lock(Linux linux, StoreLayout layout) throws ImageException {
        try {
            OwnedFd lock =
                    linux.files()
                            .openat(
                                    Fd.CWD,
                                    layout.lock().toString(),
                                    Open.O_RDWR | Open.O_CREAT,
                                    0600);
            if (!linux.files().tryLock(lock)) {
                lock.close();
                throw new ImageException(
                        ImageException.Kind.CONFLICT,
                        "image store " + layout.root() + " is open in another process");
            }
            return lock;
        } catch (ErrnoException e) {
            throw new ImageException("lock image store " + layout.root(), e);
        }
    }

    /** Whether the machine has run since the store was last open; {@link Catalog} notes the new boot when it has dropped what the old one left doubtful. */
    private static boolean sameBoot(StoreLayout layout) throws ImageException {
        try {
            byte[] now = Files.readAllBytes(BOOT_ID);
            Optional<byte[]> last = StoreLayout.read(layout.boot());
            return last.isPresent() && java.util.Arrays.equals(last.get(), now);
        } catch (IOException e) {
            throw new ImageException("read boot id", e);
        }
    }

    @Override
    public List<Image> list() {
        return catalog.state().images();
    }

    @Override
    public Optional<Image> find(String nameOrId) throws ImageException {
        return catalog.find(nameOrId).map(StoreState.Entry::image);
    }

    @Override
    public Image pull(
            ImageReference reference,
            Platform platform,
            Optional<RegistryCredentials> credentials,
            PullProgress progress)
            throws ImageException {
        try (RegistrySession session =
                RegistrySession.open(
                        reference, credentials, options.registry(), options.credentialHelper())) {
            return pull(session, reference, platform, progress);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new ImageException("pull " + reference.familiar() + ": cancelled");
        }
    }

    private Image pull(
            RegistrySession session,
            ImageReference reference,
            Platform platform,
            PullProgress progress)
            throws ImageException, InterruptedException {
        ImagePull pull = ImagePull.resolve(session, reference, platform);
        step(PullStep.RESOLVED);
        String label = reference.digest().map(Digest::toString).or(reference::tag).orElse("latest");
        progress.update(label, "Pulling from " + familiarRepository(reference), 0, 0);
        Optional<Digest> before =
                catalog.state().byReference(reference).map(entry -> entry.image().id());
        step(PullStep.CONFIGURED);
        Set<Digest> pinned = catalog.pin(pull.config().diffIds());
        Image image;
        try {
            fetch(session, pull, progress);
            step(PullStep.LAYERS_COMPLETE);
            image = catalog.commit(pull.content(), options.crashPoints());
        } finally {
            catalog.unpin(pinned);
        }
        progress.update("", "Digest: " + pull.top(), 0, 0);
        boolean same = before.isPresent() && before.get().equals(image.id());
        progress.update(
                "",
                same
                        ? "Status: Image is up to date for " + reference.familiar()
                        : "Status: Downloaded newer image for " + reference.familiar(),
                0,
                0);
        return image;
    }

    private static String familiarRepository(ImageReference reference) {
        return reference.registry().equals("docker.io")
                ? reference.repository()
                : reference.registry() + "/" + reference.repository();
    }

    private void fetch(RegistrySession session, ImagePull pull, PullProgress progress)
            throws ImageException, InterruptedException {
        List<LayerPulls.Ticket> tickets = new ArrayList<>();
        Set<Digest> started = new HashSet<>();
        // One watcher object for each pull: the same progress may be given to two pulls of one
        // layer.
        @SuppressWarnings("UnnecessaryMethodReference")
        PullProgress watcher = progress::update;
        try {
            for (int i = 0; i < pull.layers().size(); i++) {
                Descriptor layer = pull.layers().get(i);
                Digest diffId = pull.config().diffIds().get(i);
                if (layers.has(diffId)) {
                    progress.update(layer.digest().hex().substring(0, 12), "Already exists", 0, 0);
                } else if (started.add(diffId)) {
                    tickets.add(pulls.join(layer, diffId, session, watcher));
                }
            }
            for (LayerPulls.Ticket ticket : tickets) {
                ticket.await();
            }
        } finally {
            tickets.forEach(LayerPulls.Ticket::leave);
        }
    }

    private void step(PullStep step) {
        options.crashPoints().accept(step);
    }

    @Override
    public List<Image> load(InputStream archive, PullProgress progress) throws ImageException {
        Path spool = layout.tmp().resolve(layout.tmpName("load"));
        try {
            Files.createDirectory(spool);
            try (ImageArchive source = ImageArchive.spool(archive, spool)) {
                return load(source, progress);
            } finally {
                layers.forget(String.valueOf(spool.getFileName()));
            }
        } catch (IOException e) {
            throw new ImageException("load image archive", e);
        }
    }

    @Override
    public List<Image> loadLayout(Path directory, PullProgress progress) throws ImageException {
        try (ImageArchive source = ImageArchive.directory(directory)) {
            return load(source, progress);
        } catch (IOException e) {
            throw new ImageException("load image layout " + directory, e);
        }
    }

    private List<Image> load(ImageArchive source, PullProgress progress)
            throws ImageException, IOException {
        List<Image> result = new ArrayList<>();
        for (LoadableImage image : source.images(Platform.host())) {
            Set<Digest> pinned = catalog.pin(image.config().diffIds());
            try {
                for (int i = 0; i < image.layers().size(); i++) {
                    load(image.config(), i, image.layers().get(i), progress);
                }
                for (ImageContent content : contents(image)) {
                    result.add(catalog.commit(content, options.crashPoints()));
                }
            } finally {
                catalog.unpin(pinned);
            }
        }
        return List.copyOf(result);
    }

    private static List<ImageContent> contents(LoadableImage image) {
        List<ImageContent> result = new ArrayList<>();
        for (ImageReference tag : image.tags()) {
            result.add(
                    new ImageContent(
                            image.id(),
                            image.configBytes(),
                            image.config(),
                            Optional.of(tag),
                            Optional.empty(),
                            false));
        }
        if (result.isEmpty()) {
            result.add(
                    new ImageContent(
                            image.id(),
                            image.configBytes(),
                            image.config(),
                            Optional.empty(),
                            Optional.empty(),
                            true));
        }
        return result;
    }

    private void load(
            ImageConfig config, int index, LoadableImage.LayerSource source, PullProgress progress)
            throws ImageException, IOException {
        Digest diffId = config.diffIds().get(index);
        String id = diffId.hex().substring(0, 12);
        if (layers.has(diffId)) {
            progress.update(id, "Already exists", 0, 0);
            return;
        }
        progress.update(id, "Loading layer", 0, 0);
        try (InputStream bytes = source.open()) {
            layers.commit(layers.unpack(bytes, diffId));
        }
        progress.update(id, "Pull complete", 0, 0);
    }

    @Override
    public void tag(Digest image, ImageReference reference) throws ImageException {
        catalog.tag(image, reference);
    }

    @Override
    public List<Removal> remove(String nameOrId, boolean force, Predicate<Digest> inUse)
            throws ImageException {
        return catalog.remove(nameOrId, force, inUse);
    }

    @Override
    public List<OwnedFd> acquireLayers(Digest image, String lease) throws ImageException {
        return catalog.acquire(image, lease);
    }

    @Override
    public void release(String lease) throws ImageException {
        leases.release(lease);
    }

    @Override
    public List<String> leases() {
        return leases.names();
    }

    @Override
    public long collectGarbage() throws ImageException {
        return catalog.collectGarbage(pulls.blobs());
    }

    /** The exact bytes of an image's configuration, for inspection. */
    public byte[] configBytes(Digest image) throws ImageException {
        try {
            return StoreLayout.read(layout.config(image))
                    .orElseThrow(() -> Catalog.noSuchImage(image.toString()));
        } catch (IOException e) {
            throw new ImageException("read configuration of image " + image, e);
        }
    }

    @Override
    public void close() {
        pulls.cancelAll();
        layers.close();
        lockFile.close();
    }
}
