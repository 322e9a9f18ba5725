package dev.berth.containerizer.image.store;

import static org.assertj.core.api.Assertions.assertThat;

import dev.berth.containerizer.image.Image;
import dev.berth.containerizer.image.ImageReference;
import dev.berth.containerizer.image.Platform;
import dev.berth.containerizer.image.PullProgress;
import dev.berth.containerizer.image.archive.OciImageWriter;
import dev.berth.containerizer.image.registry.FaultyRegistry;
import dev.berth.linux.Fd;
import dev.berth.linux.Linux;
import dev.berth.linux.Open;
import dev.berth.linux.OwnedFd;
import dev.berth.linux.file.TreeRemoval;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;

/** A Debian image of several layers from Debian's own registry server, which is killed on the way, as is the puller. */
@Tag("root")
@Timeout(300)
class RealRegistryTest {
    /** What may lie in sockets and be lost at a kill, and the manifests that are asked for again. */
    private static final long SLACK_BYTES = 6 << 20;

    @TempDir static Path shared;
    @TempDir Path dataRoot;

    private static RealRegistry registry;
    private static long imageBytes;
    private static Path debian;

    @BeforeAll
    static void push() throws Exception {
        registry = RealRegistry.start(shared.resolve("registry"));
        OciImageWriter image = DebianImage.image();
        debian = DebianImage.root();
        imageBytes =
                image.layout(Optional.empty()).values().stream().mapToLong(b -> b.length).sum();
        Path layout = shared.resolve("layout");
        image.writeLayout(layout, Optional.of(ImageReference.parse("debian:test")));
        RealRegistry.run(
                "skopeo",
                "copy",
                "--dest-tls-verify=false",
                "oci:" + layout,
                "docker://127.0.0.1:" + registry.port() + "/library/debian:test");
    }

    @AfterAll
    static void stop() {
        registry.close();
    }

    /** JUnit would remove the trees too, with a warning for each of Debian's links. */
    @AfterEach
    void removeStore() throws Exception {
        try (OwnedFd directory =
                Linux.host()
                        .files()
                        .openat(Fd.CWD, dataRoot.toString(), Open.O_RDONLY | Open.O_DIRECTORY, 0)) {
            new TreeRemoval(Linux.host().files()).empty(directory);
        }
    }

    private DirectoryImageStore open() throws Exception {
        return DirectoryImageStore.open(
                Linux.host(),
                dataRoot,
                ImageStoreOptions.defaults().withRegistry(FaultyRegistry.quick()));
    }

    private static String name(CountingProxy proxy) {
        return "127.0.0.1:" + proxy.port() + "/library/debian:test";
    }

    private static Image pull(DirectoryImageStore store, String name) throws Exception {
        return store.pull(
                ImageReference.parse(name), Platform.host(), Optional.empty(), PullProgress.NONE);
    }

    private void assertIsDebian(DirectoryImageStore store, Image image) throws Exception {
        List<OwnedFd> layers = store.acquireLayers(image.id(), "check");
        assertThat(layers).hasSize(4);
        Path base = Path.of("/proc/self/fd/" + layers.get(0).number());
        Path usr = Path.of("/proc/self/fd/" + layers.get(1).number());
        Path top = Path.of("/proc/self/fd/" + layers.get(3).number());
        assertThat(Files.readString(base.resolve("etc/debian_version")))
                .isEqualTo(Files.readString(debian.resolve("etc/debian_version")));
        for (String program : List.of("usr/bin/bash", "usr/bin/dpkg", "usr/bin/su")) {
            assertThat(usr.resolve(program)).hasSameBinaryContentAs(debian.resolve(program));
            for (String attribute : List.of("mode", "uid", "gid")) {
                assertThat(Files.getAttribute(usr.resolve(program), "unix:" + attribute))
                        .isEqualTo(
                                Files.getAttribute(debian.resolve(program), "unix:" + attribute));
            }
            assertThat(Files.getLastModifiedTime(usr.resolve(program)).toInstant())
                    .isEqualTo(
                            Files.getLastModifiedTime(debian.resolve(program))
                                    .toInstant()
                                    .truncatedTo(java.time.temporal.ChronoUnit.SECONDS));
        }
        assertThat(
                        Files.getAttribute(
                                top.resolve("etc/issue"), "unix:rdev", LinkOption.NOFOLLOW_LINKS))
                .isEqualTo(0L);
        layers.forEach(OwnedFd::close);
        store.release("check");
        assertThat(dataRoot.resolve("image/tmp")).isEmptyDirectory();
        assertThat(dataRoot.resolve("image/partial")).isEmptyDirectory();
    }

    @Test
    void aKilledRegistryCostsNoByteTwice() throws Exception {
        try (CountingProxy proxy = new CountingProxy(registry.port());
                DirectoryImageStore store = open()) {
            proxy.holdAt(imageBytes / 2);
            AtomicReference<Image> pulled = new AtomicReference<>();
            AtomicReference<Exception> failure = new AtomicReference<>();
            Thread thread =
                    Thread.ofPlatform()
                            .start(() -> {
                                try {
                                    pulled.set(pull(store, name(proxy)));
                                } catch (Exception e) {
                                    failure.set(e);
                                }
                            });
            proxy.awaitHeld();
            registry.kill();
            registry.restart();
            proxy.holdAt(Long.MAX_VALUE);
            thread.join();
            assertThat(failure.get()).isNull();
            assertIsDebian(store, pulled.get());
            assertThat(proxy.served()).isBetween(imageBytes, imageBytes + SLACK_BYTES);
        }
    }

    @Test
    void aKilledPullerCostsNoByteTwice() throws Exception {
        try (CountingProxy proxy = new CountingProxy(registry.port())) {
            proxy.holdAt(imageBytes / 2);
            try (PullChild child = PullChild.start(dataRoot, name(proxy), "")) {
                proxy.awaitHeld();
                child.kill();
            }
            proxy.holdAt(Long.MAX_VALUE);
            try (DirectoryImageStore store = open()) {
                assertThat(store.list()).isEmpty();
                assertIsDebian(store, pull(store, name(proxy)));
            }
            assertThat(proxy.served()).isBetween(imageBytes, imageBytes + SLACK_BYTES);
        }
    }

    @Test
    void aSecondPullFetchesNoLayer() throws Exception {
        try (CountingProxy proxy = new CountingProxy(registry.port());
                DirectoryImageStore store = open()) {
            Image first = pull(store, name(proxy));
            long served = proxy.served();
            assertThat(pull(store, name(proxy))).isEqualTo(first);
            assertThat(proxy.served() - served).isLessThan(10_000);
            store.remove(name(proxy), false, id -> false);
            assertThat(dataRoot.resolve("image/layers")).isEmptyDirectory();
        }
    }

    @Test
    void whatDockerAndSkopeoSaveIsLoaded(@TempDir Path archives) throws Exception {
        for (String form : List.of("docker-archive", "oci-archive")) {
            Path archive = archives.resolve(form + ".tar");
            RealRegistry.run(
                    "skopeo",
                    "copy",
                    "--src-tls-verify=false",
                    "docker://127.0.0.1:" + registry.port() + "/library/debian:test",
                    form + ":" + archive + ":example/" + form + ":1");
            try (DirectoryImageStore store = open();
                    java.io.InputStream in = Files.newInputStream(archive)) {
                Image image = store.load(in, PullProgress.NONE).getFirst();
                assertThat(image.tags())
                        .extracting(ImageReference::familiar)
                        .containsExactly("example/" + form + ":1");
                assertIsDebian(store, image);
                store.remove(image.id().toString(), true, id -> false);
            }
        }
    }
}
