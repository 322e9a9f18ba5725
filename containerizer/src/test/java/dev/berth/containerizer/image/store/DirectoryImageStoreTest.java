package dev.berth.containerizer.image.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.berth.containerizer.image.Image;
import dev.berth.containerizer.image.ImageException;
import dev.berth.containerizer.image.ImageReference;
import dev.berth.containerizer.image.ImageStore.Removal;
import dev.berth.containerizer.image.Platform;
import dev.berth.containerizer.image.PullProgress;
import dev.berth.containerizer.image.archive.OciImageWriter;
import dev.berth.containerizer.image.archive.OciImageWriter.Member;
import dev.berth.linux.Linux;
import dev.berth.linux.OwnedFd;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

@Tag("root")
class DirectoryImageStoreTest {
    @TempDir Path dataRoot;

    private DirectoryImageStore open() throws ImageException {
        return DirectoryImageStore.open(Linux.host(), dataRoot);
    }

    static OciImageWriter twoLayers(String text) throws IOException {
        return new OciImageWriter(Platform.host())
                .layer(
                        List.of(
                                new Member.Directory("etc", 0755),
                                new Member.RegularFile("etc/base", 0644, bytes("base")),
                                new Member.Directory("tmp", 01777)))
                .layer(List.of(new Member.RegularFile("etc/text", 0600, bytes(text))))
                .entrypoint("/etc/text")
                .env("A=b");
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    static byte[] archive(OciImageWriter image, String name) throws Exception {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        image.writeArchive(out, Optional.of(ImageReference.parse(name)));
        return out.toByteArray();
    }

    private static Image load(DirectoryImageStore store, OciImageWriter image, String name)
            throws Exception {
        return store.load(new ByteArrayInputStream(archive(image, name)), PullProgress.NONE)
                .getFirst();
    }

    private long filesBelow(String name) throws IOException {
        try (Stream<Path> found = Files.list(dataRoot.resolve("image").resolve(name))) {
            return found.count();
        }
    }

    @Test
    void aLoadedImageIsFoundByEveryName() throws Exception {
        try (DirectoryImageStore store = open()) {
            Image image = load(store, twoLayers("one"), "example/app:1");
            assertThat(store.find("example/app:1")).contains(image);
            assertThat(store.find("docker.io/example/app:1")).contains(image);
            assertThat(store.find(image.id().toString())).contains(image);
            assertThat(store.find(image.id().hex().substring(0, 12))).contains(image);
            assertThat(store.find("example/app:2")).isEmpty();
            assertThat(image.config().entrypoint()).containsExactly("/etc/text");
            assertThat(image.sizeBytes()).isEqualTo(7);
        }
        try (DirectoryImageStore store = open()) {
            assertThat(store.find("example/app:1")).isPresent();
            assertThat(store.list()).hasSize(1);
        }
    }

    @Test
    void aDirectoryThatALayerDoesNotDescribeKeepsItsAttributes() throws Exception {
        OciImageWriter image =
                new OciImageWriter(Platform.host())
                        .layer(List.of(new Member.Directory("tmp", 01777)))
                        .layer(List.of(new Member.RegularFile("tmp/x", 0644, bytes("x"))));
        try (DirectoryImageStore store = open()) {
            Image loaded = load(store, image, "a:1");
            List<OwnedFd> layers = store.acquireLayers(loaded.id(), "c1");
            assertThat(layers).hasSize(3);
            Path top = Path.of("/proc/self/fd/" + layers.getLast().number());
            assertThat(Files.getAttribute(top.resolve("tmp"), "unix:mode")).isEqualTo(041777);
            layers.forEach(OwnedFd::close);
        }
    }

    @Test
    void aLeaseKeepsLayersThroughRemovalAndRestart() throws Exception {
        Image image;
        try (DirectoryImageStore store = open()) {
            image = load(store, twoLayers("one"), "a:1");
            store.acquireLayers(image.id(), "c1").forEach(OwnedFd::close);
            assertThatThrownBy(() -> store.remove("a:1", false, id -> true))
                    .isInstanceOf(ImageException.class)
                    .hasMessageContaining("used by a container");
            store.remove("a:1", true, id -> false);
            assertThat(filesBelow("layers")).isEqualTo(2);
        }
        try (DirectoryImageStore store = open()) {
            assertThat(store.leases()).containsExactly("c1");
            assertThat(store.collectGarbage()).isZero();
            store.release("c1");
            store.release("c1");
            assertThat(store.collectGarbage()).isEqualTo(7);
            assertThat(filesBelow("layers")).isZero();
            assertThat(filesBelow("configs")).isZero();
            assertThat(filesBelow("tmp")).isZero();
        }
    }

    @Test
    void removingTheLastTagRemovesWhatNobodyElseNeeds() throws Exception {
        try (DirectoryImageStore store = open()) {
            Image one = load(store, twoLayers("one"), "a:1");
            Image two = load(store, twoLayers("two"), "a:2");
            assertThat(filesBelow("layers")).isEqualTo(3);
            store.tag(one.id(), ImageReference.parse("b:1"));
            assertThatThrownBy(() -> store.remove(one.id().hex(), false, id -> false))
                    .hasMessageContaining("several tags");
            assertThat(store.remove("b:1", false, id -> true))
                    .containsExactly(new Removal(Optional.of("b:1"), Optional.empty()));
            List<Removal> removed = store.remove("a:1", false, id -> false);
            assertThat(removed).hasSize(3);
            assertThat(removed.getFirst().untagged()).contains("a:1");
            assertThat(filesBelow("layers")).isEqualTo(2);
            assertThat(store.find("a:2")).map(Image::id).contains(two.id());
        }
    }

    @Test
    void aTagMovesAndTheOldImageBecomesGarbage() throws Exception {
        try (DirectoryImageStore store = open()) {
            Image one = load(store, twoLayers("one"), "a:1");
            Image two = load(store, twoLayers("two"), "a:1");
            assertThat(store.find("a:1")).map(Image::id).contains(two.id());
            assertThat(store.find(one.id().hex())).map(Image::tags).contains(List.of());
            store.collectGarbage();
            assertThat(store.find(one.id().hex())).isEmpty();
            assertThat(store.list()).hasSize(1);
        }
    }

    @Test
    void aSecondProcessCannotOpenTheStore() throws Exception {
        try (DirectoryImageStore _ = open()) {
            assertThatThrownBy(this::open)
                    .isInstanceOf(ImageException.class)
                    .hasMessageContaining("open in another process");
        }
        open().close();
    }

    @Test
    void whatAKilledProcessLeftIsRemovedAtOpen() throws Exception {
        try (DirectoryImageStore store = open()) {
            load(store, twoLayers("one"), "a:1");
        }
        Path tmp = dataRoot.resolve("image/tmp");
        Files.createDirectories(tmp.resolve("layer-1/fs/deep/er"));
        Files.writeString(tmp.resolve("layer-1/fs/deep/file"), "x");
        Files.writeString(tmp.resolve("file-9"), "x");
        try (DirectoryImageStore store = open()) {
            assertThat(filesBelow("tmp")).isZero();
            assertThat(store.list()).hasSize(1);
        }
    }

    @Test
    void afterARebootLayersThatNoImageHasAreDropped() throws Exception {
        Image image;
        try (DirectoryImageStore store = open()) {
            image = load(store, twoLayers("one"), "a:1");
            load(store, twoLayers("two"), "a:2");
        }
        // As if the second image's name had not reached the disk.
        Path state = dataRoot.resolve("image/state.json");
        try (DirectoryImageStore store = open()) {
            byte[] both = Files.readAllBytes(state);
            store.remove("a:2", false, id -> false);
            assertThat(filesBelow("layers")).isEqualTo(2);
            byte[] one = Files.readAllBytes(state);
            Files.write(state, both);
            assertThat(one).isNotEqualTo(both);
            Files.write(state, one);
        }
        Files.createDirectories(dataRoot.resolve("image/layers/sha256-" + "0".repeat(64) + "/fs"));
        Files.writeString(
                dataRoot.resolve("image/layers/sha256-" + "0".repeat(64) + "/layer.json"),
                "{\"entries\":0,\"bytes\":0}");
        try (DirectoryImageStore _ = open()) {
            assertThat(filesBelow("layers")).isEqualTo(3);
        }
        Files.writeString(dataRoot.resolve("image/boot"), "another boot");
        try (DirectoryImageStore store = open()) {
            assertThat(filesBelow("layers")).isEqualTo(2);
            assertThat(store.find("a:1")).map(Image::id).contains(image.id());
        }
    }

    @Test
    void anArchiveWithWrongLayerBytesIsRefusedAndLeavesNothing() throws Exception {
        OciImageWriter liar =
                new OciImageWriter(Platform.host())
                        .blob(
                                "application/vnd.oci.image.layer.v1.tar",
                                OciImageWriter.tar(
                                        List.of(new Member.RegularFile("x", 0644, bytes("x")))),
                                dev.berth.containerizer.image.manifest.ContentDigest.of(
                                        "sha256", bytes("something else")));
        try (DirectoryImageStore store = open()) {
            assertThatThrownBy(() -> load(store, liar, "a:1"))
                    .hasMessageContaining("where the configuration promises");
            assertThat(store.list()).isEmpty();
            assertThat(filesBelow("layers")).isZero();
            assertThat(filesBelow("tmp")).isZero();
        }
    }
}
