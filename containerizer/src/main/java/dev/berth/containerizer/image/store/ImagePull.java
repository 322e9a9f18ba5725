package dev.berth.containerizer.image.store;

import dev.berth.containerizer.image.Digest;
import dev.berth.containerizer.image.ImageConfig;
import dev.berth.containerizer.image.ImageException;
import dev.berth.containerizer.image.ImageReference;
import dev.berth.containerizer.image.Platform;
import dev.berth.containerizer.image.manifest.ConfigDocument;
import dev.berth.containerizer.image.manifest.Descriptor;
import dev.berth.containerizer.image.manifest.ManifestDocument;
import dev.berth.containerizer.image.manifest.ManifestDocument.ImageIndex;
import dev.berth.containerizer.image.manifest.ManifestDocument.ImageManifest;
import dev.berth.containerizer.image.manifest.PlatformChoice;
import dev.berth.containerizer.image.registry.RegistrySession;
import dev.berth.containerizer.image.registry.RegistrySession.Fetched;

import java.util.List;
import java.util.Optional;

/**
 * What a reference means today: the manifest for the platform and its configuration, fetched and verified.
 *
 * @param top digest of what the reference itself names, an index or a manifest
 */
record ImagePull(
        ImageReference reference,
        Digest top,
        ImageManifest manifest,
        byte[] configBytes,
        ImageConfig config) {
    private static final int MAX_INDEX_DEPTH = 4;

    /** Resolves by asking the registry. */
    static ImagePull resolve(RegistrySession session, ImageReference reference, Platform platform)
            throws ImageException, InterruptedException {
        Fetched first = session.manifest();
        Fetched fetched = first;
        for (int depth = 0; depth <= MAX_INDEX_DEPTH; depth++) {
            switch (ManifestDocument.parse(
                    fetched.digest(), fetched.bytes(), fetched.mediaType())) {
                case ImageIndex index -> {
                    Descriptor entry =
                            PlatformChoice.choose(index.entries(), platform)
                                    .orElseThrow(() ->
                                            PlatformChoice.noMatch(
                                                    reference.familiar(),
                                                    index.entries(),
                                                    platform));
                    fetched = session.manifest(entry);
                }
                case ImageManifest manifest -> {
                    byte[] bytes =
                            session.blob(manifest.config(), ManifestDocument.MAX_CONFIG_BYTES);
                    ImageConfig config = ConfigDocument.parse(manifest.config().digest(), bytes);
                    check(reference, manifest, config, platform);
                    return new ImagePull(reference, first.digest(), manifest, bytes, config);
                }
            }
        }
        throw new ImageException(
                ImageException.Kind.INVALID,
                reference.familiar() + ": indexes are nested deeper than " + MAX_INDEX_DEPTH);
    }

    private static void check(
            ImageReference reference, ImageManifest manifest, ImageConfig config, Platform platform)
            throws ImageException {
        if (manifest.layers().size() != config.diffIds().size()) {
            throw new ImageException(
                    ImageException.Kind.INVALID,
                    reference.familiar()
                            + ": the manifest has "
                            + manifest.layers().size()
                            + " layers, the configuration "
                            + config.diffIds().size());
        }
        Platform offered =
                new Platform(
                        config.os().isEmpty() ? "linux" : config.os(),
                        config.architecture().isEmpty()
                                ? platform.architecture()
                                : config.architecture(),
                        config.variant());
        if (!PlatformChoice.runs(offered, platform)) {
            throw new ImageException(
                    ImageException.Kind.NOT_FOUND,
                    reference.familiar()
                            + " is an image for "
                            + offered.os()
                            + "/"
                            + offered.architecture()
                            + ", not for "
                            + platform.os()
                            + "/"
                            + platform.architecture()
                            + ": choose with --platform");
        }
    }

    List<Descriptor> layers() {
        return manifest.layers();
    }

    ImageContent content() {
        return new ImageContent(
                manifest.config().digest(),
                configBytes,
                config,
                reference.digest().isEmpty() ? Optional.of(reference) : Optional.empty(),
                Optional.of(reference.registry() + "/" + reference.repository() + "@" + top),
                reference.digest().isPresent());
    }
}
