package dev.berth.containerizer.image.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.berth.containerizer.image.Digest;
import dev.berth.containerizer.image.Image;
import dev.berth.containerizer.image.ImageException;
import dev.berth.containerizer.image.ImageReference;
import dev.berth.containerizer.image.Platform;
import dev.berth.containerizer.image.PullProgress;
import dev.berth.containerizer.image.archive.OciImageWriter;
import dev.berth.containerizer.image.archive.OciImageWriter.Member;
import dev.berth.containerizer.image.manifest.ContentDigest;
import dev.berth.containerizer.image.manifest.MediaTypes;
import dev.berth.containerizer.image.registry.FaultyRegistry;
import dev.berth.containerizer.image.registry.RegistryExchange;
import dev.berth.linux.Linux;
import dev.berth.linux.OwnedFd;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;

/** Pulls from a registry that misbehaves: the image comes out right or not at all. */
@Tag("root")
class FaultyPullTest {
    private static final int LAYER_BYTES = 3 << 20;

    @TempDir Path dataRoot;

    private FaultyRegistry registry;
    private byte[] layer;
    private OciImageWriter image;
    private final List<String> progress = new CopyOnWriteArrayList<>();

    @BeforeEach
    void start() throws Exception {
        registry = new FaultyRegistry();
        byte[] noise = new byte[LAYER_BYTES];
        new Random(3).nextBytes(noise);
        byte[] tar = OciImageWriter.tar(List.of(new Member.RegularFile("noise", 0644, noise)));
        layer = tar;
        image =
                new OciImageWriter(Platform.host())
                        .layer(List.of(new Member.RegularFile("small", 0644, new byte[] {1})))
                        .blob(MediaTypes.OCI_LAYER, tar, ContentDigest.of("sha256", tar));
        registry.add(image, "1");
    }

    @AfterEach
    void stop() {
        registry.close();
    }

    private DirectoryImageStore open() throws ImageException {
        return DirectoryImageStore.open(
                Linux.host(),
                dataRoot,
                ImageStoreOptions.defaults().withRegistry(FaultyRegistry.quick()));
    }

    private Image pull(DirectoryImageStore store) throws ImageException {
        return pull(store, "1", (id, status, _, _) -> progress.add(id + ": " + status));
    }

    private Image pull(DirectoryImageStore store, String tag, PullProgress told)
            throws ImageException {
        return store.pull(
                ImageReference.parse(registry.host() + "/a/b:" + tag),
                Platform.host(),
                Optional.empty(),
                told);
    }

    private boolean asksForLayer(RegistryExchange exchange) {
        return exchange.path().endsWith(ContentDigest.of("sha256", layer).toString());
    }

    private void assertComplete(DirectoryImageStore store, Image pulled) throws Exception {
        List<OwnedFd> layers = store.acquireLayers(pulled.id(), "check");
        Path tree = Path.of("/proc/self/fd/" + layers.getLast().number());
        byte[] noise = new byte[LAYER_BYTES];
        new Random(3).nextBytes(noise);
        assertThat(Files.readAllBytes(tree.resolve("noise"))).isEqualTo(noise);
        layers.forEach(OwnedFd::close);
        store.release("check");
        assertThat(dataRoot.resolve("image/partial")).isEmptyDirectory();
        assertThat(dataRoot.resolve("image/tmp")).isEmptyDirectory();
    }

    @Test
    void progressSpeaksDockersWords() throws Exception {
        try (DirectoryImageStore store = open()) {
            assertComplete(store, pull(store));
            String id = ContentDigest.of("sha256", layer).hex().substring(0, 12);
            assertThat(progress)
                    .containsSubsequence(
                            id + ": Pulling fs layer",
                            id + ": Downloading",
                            id + ": Download complete",
                            id + ": Pull complete")
                    .anyMatch(line -> line.startsWith(": Digest: sha256:"))
                    .last()
                    .asString()
                    .startsWith(": Status: Downloaded newer image for ");
            progress.clear();
            pull(store);
            assertThat(progress)
                    .contains(id + ": Already exists")
                    .last()
                    .asString()
                    .contains("up to date");
        }
    }

    @Test
    void aTruncatedLayerGoesOnWhereItEnded() throws Exception {
        AtomicInteger times = new AtomicInteger();
        registry.fault(exchange -> {
            if (asksForLayer(exchange) && times.getAndIncrement() == 0) {
                registry.truncate(exchange, layer, 1 << 20);
                return true;
            }
            return false;
        });
        try (DirectoryImageStore store = open()) {
            assertComplete(store, pull(store));
        }
        assertThat(progress).anyMatch(line -> line.contains("Retrying in"));
        assertThat(registry.requests())
                .filteredOn(r -> r.range().isPresent())
                .singleElement()
                .satisfies(r -> assertThat(r.range()).isNotEqualTo(Optional.of("bytes=0-")));
        // No byte is served twice, but for what was still in the sockets' buffers.
        assertThat(registry.blobBytesServed()).isLessThan(LAYER_BYTES + (1 << 20));
    }

    @Test
    void aPullThatGaveUpIsResumedByTheNextProcess() throws Exception {
        registry.fault(exchange -> {
            if (!asksForLayer(exchange)) {
                return false;
            }
            String range = exchange.header("Range");
            if (range == null) {
                registry.truncate(exchange, layer, 1 << 20);
            } else {
                FaultyRegistry.send(exchange, 503, "busy");
            }
            return true;
        });
        try (DirectoryImageStore store = open()) {
            assertThatThrownBy(() -> pull(store))
                    .isInstanceOf(ImageException.class)
                    .hasMessageContaining("pull layer sha256:");
            assertThat(store.list()).isEmpty();
        }
        registry.requests().clear();
        registry.fault(_ -> false);
        try (DirectoryImageStore store = open()) {
            assertComplete(store, pull(store));
        }
        assertThat(registry.requests())
                .filteredOn(r -> r.path().endsWith(ContentDigest.of("sha256", layer).toString()))
                .singleElement()
                .satisfies(r -> assertThat(r.range()).isPresent());
    }

    @Test
    void aPartialFileThatWasChangedIsNotTrusted() throws Exception {
        aPullThatLeavesHalf();
        Path partial =
                dataRoot.resolve("image/partial/sha256-" + ContentDigest.of("sha256", layer).hex());
        byte[] bytes = Files.readAllBytes(partial);
        bytes[77] ^= 1;
        Files.write(partial, bytes);
        registry.fault(_ -> false);
        try (DirectoryImageStore store = open()) {
            assertComplete(store, pull(store));
        }
    }

    private void aPullThatLeavesHalf() throws Exception {
        registry.fault(exchange -> {
            if (!asksForLayer(exchange)) {
                return false;
            }
            if (exchange.header("Range") == null) {
                registry.truncate(exchange, layer, LAYER_BYTES / 2);
            } else {
                FaultyRegistry.send(exchange, 503, "busy");
            }
            return true;
        });
        try (DirectoryImageStore store = open()) {
            assertThatThrownBy(() -> pull(store)).isInstanceOf(ImageException.class);
        }
    }

    @Test
    void wrongBytesAreNotAnImage() throws Exception {
        byte[] wrong = layer.clone();
        wrong[1 << 20] ^= 1;
        registry.fault(exchange -> {
            if (asksForLayer(exchange)) {
                FaultyRegistry.send(exchange, 200, wrong);
                return true;
            }
            return false;
        });
        try (DirectoryImageStore store = open()) {
            assertThatThrownBy(() -> pull(store))
                    .isInstanceOf(ImageException.class)
                    .hasMessageContaining("served with other bytes");
            assertThat(store.list()).isEmpty();
            assertThat(dataRoot.resolve("image/tmp")).isEmptyDirectory();
            assertThat(dataRoot.resolve("image/partial")).isEmptyDirectory();
            registry.fault(_ -> false);
            assertComplete(store, pull(store));
        }
    }

    @Test
    void aStalledLayerIsTakenUpAgain() throws Exception {
        CountDownLatch end = new CountDownLatch(1);
        AtomicInteger times = new AtomicInteger();
        registry.fault(exchange -> {
            if (!asksForLayer(exchange) || times.getAndIncrement() > 0) {
                return false;
            }
            exchange.begin(200, layer.length);
            exchange.write(layer, 0, 1 << 20);
            try {
                boolean _ = end.await(20, TimeUnit.SECONDS);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
            return true;
        });
        try (DirectoryImageStore store = open()) {
            assertComplete(store, pull(store));
        } finally {
            end.countDown();
        }
    }

    @Test
    void twoPullsOfOneImageFetchItOnce() throws Exception {
        CountDownLatch bothAsked = new CountDownLatch(2);
        registry.fault(exchange -> {
            if (asksForLayer(exchange)) {
                try {
                    boolean _ = bothAsked.await(5, TimeUnit.SECONDS);
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                }
            }
            return false;
        });
        try (DirectoryImageStore store = open()) {
            AtomicReference<Throwable> failure = new AtomicReference<>();
            List<Thread> threads = new ArrayList<>();
            for (int i = 0; i < 2; i++) {
                threads.add(
                        Thread.ofPlatform()
                                .start(() -> {
                                    try {
                                        pull(
                                                store,
                                                "1",
                                                (_, status, _, _) -> {
                                                    if (status.startsWith("Pulling from")) {
                                                        bothAsked.countDown();
                                                    }
                                                });
                                    } catch (ImageException e) {
                                        failure.set(e);
                                    }
                                }));
            }
            for (Thread thread : threads) {
                thread.join(30_000);
            }
            assertThat(failure.get()).isNull();
            assertComplete(store, store.list().getFirst());
        }
        assertThat(registry.requests())
                .filteredOn(r -> r.path().endsWith(ContentDigest.of("sha256", layer).toString()))
                .hasSize(1);
    }

    @Test
    void anInterruptEndsAPullAndKeepsWhatCame() throws Exception {
        CountDownLatch end = new CountDownLatch(1);
        CountDownLatch started = new CountDownLatch(1);
        registry.fault(exchange -> {
            if (!asksForLayer(exchange)) {
                return false;
            }
            exchange.begin(200, layer.length);
            exchange.write(layer, 0, 1 << 20);
            started.countDown();
            try {
                boolean _ = end.await(20, TimeUnit.SECONDS);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
            return true;
        });
        try (DirectoryImageStore store = open()) {
            AtomicReference<ImageException> failure = new AtomicReference<>();
            Thread thread =
                    Thread.ofPlatform()
                            .start(() -> {
                                try {
                                    pull(store);
                                } catch (ImageException e) {
                                    failure.set(e);
                                }
                            });
            assertThat(started.await(20, TimeUnit.SECONDS)).isTrue();
            thread.interrupt();
            thread.join(20_000);
            assertThat(thread.isAlive()).isFalse();
            assertThat(failure.get()).hasMessageContaining("cancelled");
            assertThat(dataRoot.resolve("image/tmp")).isEmptyDirectory();
        } finally {
            end.countDown();
        }
    }

    @Test
    void theRightImageOfNestedIndexesIsTaken() throws Exception {
        byte[] inner =
                index(
                        entry(MediaTypes.OCI_MANIFEST, registry.add(image, "x"), "amd64", ""),
                        entry("application/unknown", new byte[] {1}, "amd64", ""));
        byte[] outer =
                index(
                        entry(MediaTypes.OCI_MANIFEST, new byte[] {2}, "s390x", ""),
                        "{\"mediaType\":\""
                                + MediaTypes.OCI_INDEX
                                + "\",\"digest\":\""
                                + ContentDigest.of("sha256", inner)
                                + "\",\"size\":"
                                + inner.length
                                + ",\"platform\":{\"os\":\"linux\",\"architecture\":\""
                                + Platform.host().architecture()
                                + "\"}}");
        registry.manifest(
                ContentDigest.of("sha256", inner).toString(), inner, MediaTypes.OCI_INDEX);
        registry.manifest("nested", outer, MediaTypes.OCI_INDEX);
        try (DirectoryImageStore store = open()) {
            Image pulled = pull(store, "nested", PullProgress.NONE);
            assertThat(pulled.id()).isEqualTo(image.id());
            assertThat(pulled.repoDigests())
                    .containsExactly(registry.host() + "/a/b@" + ContentDigest.of("sha256", outer));
            assertThatThrownBy(() ->
                            store.pull(
                                    ImageReference.parse(registry.host() + "/a/b:nested"),
                                    Platform.parse("linux/riscv64"),
                                    Optional.empty(),
                                    PullProgress.NONE))
                    .hasMessageContaining("no image for linux/riscv64; it has linux/");
        }
    }

    private static String entry(String type, byte[] bytes, String architecture, String variant) {
        String host = architecture.equals("amd64") ? Platform.host().architecture() : architecture;
        return "{\"mediaType\":\""
                + type
                + "\",\"digest\":\""
                + ContentDigest.of("sha256", bytes)
                + "\",\"size\":"
                + bytes.length
                + ",\"platform\":{\"os\":\"linux\",\"architecture\":\""
                + host
                + "\""
                + (variant.isEmpty() ? "" : ",\"variant\":\"" + variant + "\"")
                + "}}";
    }

    private static byte[] index(String... entries) {
        return ("{\"schemaVersion\":2,\"mediaType\":\""
                        + MediaTypes.OCI_INDEX
                        + "\",\"manifests\":["
                        + String.join(",", entries)
                        + "]}")
                .getBytes(StandardCharsets.UTF_8);
    }

    @Test
    void schema1AndConfusedTypesAreRefused() throws Exception {
        registry.manifest(
                "old",
                "{\"schemaVersion\":1,\"name\":\"x\"}".getBytes(StandardCharsets.UTF_8),
                "application/vnd.docker.distribution.manifest.v1+prettyjws");
        byte[] manifest = registry.add(image, "1");
        registry.manifest("confused", manifest, MediaTypes.DOCKER_MANIFEST);
        try (DirectoryImageStore store = open()) {
            assertThatThrownBy(() -> pull(store, "old", PullProgress.NONE))
                    .hasMessageContaining("schema 1");
            assertThatThrownBy(() -> pull(store, "confused", PullProgress.NONE))
                    .hasMessageContaining("was served as");
        }
    }

    @Test
    void collectionLeavesAPullInProgressAlone() throws Exception {
        CountDownLatch asked = new CountDownLatch(1);
        CountDownLatch go = new CountDownLatch(1);
        registry.fault(exchange -> {
            if (asksForLayer(exchange)) {
                asked.countDown();
                try {
                    boolean _ = go.await(20, TimeUnit.SECONDS);
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                }
            }
            return false;
        });
        try (DirectoryImageStore store = open()) {
            AtomicReference<Image> pulled = new AtomicReference<>();
            Thread thread =
                    Thread.ofPlatform()
                            .start(() -> {
                                try {
                                    pulled.set(pull(store));
                                } catch (ImageException e) {
                                    pulled.set(null);
                                }
                            });
            assertThat(asked.await(20, TimeUnit.SECONDS)).isTrue();
            store.collectGarbage();
            go.countDown();
            thread.join(20_000);
            assertComplete(store, pulled.get());
            assertThat(store.collectGarbage()).isZero();
            assertThat(Set.of(pulled.get().config().diffIds().toArray(Digest[]::new))).hasSize(2);
        }
    }

    @Test
    void partialBlobsAreCutToWhatIsVerifiedAfterAReboot() throws IOException {
        byte[] bytes = new byte[20 << 20];
        new Random(5).nextBytes(bytes);
        Digest digest = ContentDigest.of("sha256", bytes);
        try (PartialBlob blob = PartialBlob.open(dataRoot, digest, bytes.length, true)) {
            blob.append(Arrays.copyOf(bytes, 19 << 20), 19 << 20);
        }
        try (PartialBlob blob = PartialBlob.open(dataRoot, digest, bytes.length, true)) {
            assertThat(blob.length()).isEqualTo(19 << 20);
        }
        try (PartialBlob blob = PartialBlob.open(dataRoot, digest, bytes.length, false)) {
            assertThat(blob.length()).isEqualTo(16 << 20);
            byte[] rest = Arrays.copyOfRange(bytes, 16 << 20, bytes.length);
            blob.append(rest, rest.length);
            assertThat(blob.actualDigest()).isEqualTo(digest);
            assertThat(blob.reader().readAllBytes()).isEqualTo(bytes);
        }
        Path file = dataRoot.resolve("sha256-" + digest.hex());
        byte[] broken = Files.readAllBytes(file);
        broken[9 << 20] ^= 1;
        Files.write(file, broken);
        try (PartialBlob blob = PartialBlob.open(dataRoot, digest, bytes.length, true)) {
            assertThat(blob.length()).isEqualTo(8 << 20);
        }
    }
}
