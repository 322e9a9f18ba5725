package dev.berth.containerizer.image.layer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.berth.containerizer.image.ImageException;
import dev.berth.linux.At;
import dev.berth.linux.Fd;
import dev.berth.linux.Files;
import dev.berth.linux.Linux;
import dev.berth.linux.Open;
import dev.berth.linux.OwnedFd;
import dev.berth.linux.Statx;
import dev.berth.linux.file.TreeRemoval;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import java.util.zip.GZIPOutputStream;

/** Layers as they should be, and a corpus of such as they should not. */
@Tag("root")
class LayerUnpackerTest {
    private static final UnpackLimits SMALL = new UnpackLimits(1000, 1 << 20, 100, 64 << 10, true);

    private final Files files = Linux.host().files();

    @TempDir Path directory;

    /** What lies beside the tree: no layer may touch it. */
    private Path outside;

    private Path tree;

    @BeforeEach
    void makeTree() throws IOException {
        outside = java.nio.file.Files.createDirectory(directory.resolve("outside"));
        java.nio.file.Files.writeString(outside.resolve("secret"), "secret");
        tree = java.nio.file.Files.createDirectory(directory.resolve("tree"));
    }

    @AfterEach
    void removeTree() throws Exception {
        try (OwnedFd parent = open(directory)) {
            new TreeRemoval(files).remove(parent, "tree");
        }
    }

    private OwnedFd open(Path path) throws Exception {
        return files.openat(Fd.CWD, path.toString(), Open.O_RDONLY | Open.O_DIRECTORY, 0);
    }

    private LayerSummary unpack(byte[] tar, UnpackLimits limits) throws Exception {
        try (OwnedFd root = open(tree)) {
            LayerStream stream = LayerStream.open(new ByteArrayInputStream(tar), "sha256", limits);
            return new LayerUnpacker(files, root, limits).unpack(stream);
        }
    }

    private LayerSummary unpack(TarBytes tar) throws Exception {
        return unpack(tar.end(), SMALL);
    }

    private Statx stat(String name) throws Exception {
        return files.statx(Fd.CWD, tree.resolve(name).toString(), At.AT_SYMLINK_NOFOLLOW)
                .orElseThrow();
    }

    private boolean exists(String name) {
        return java.nio.file.Files.exists(tree.resolve(name), LinkOption.NOFOLLOW_LINKS);
    }

    private String read(String name) throws IOException {
        return java.nio.file.Files.readString(tree.resolve(name));
    }

    private boolean isOpaque(String name) throws Exception {
        try (OwnedFd root = open(tree)) {
            return files.lgetxattr(root, name, LayerTree.OPAQUE)
                    .filter(v -> new String(v, StandardCharsets.US_ASCII).equals("y"))
                    .isPresent();
        }
    }

    @Test
    void attributesComeOutAsTheyWereWritten() throws Exception {
        byte[] capability = {
            1, 0, 0, 2, (byte) 0xc0, (byte) 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0
        };
        unpack(
                new TarBytes()
                        .pax("mtime", "100.25")
                        .header("dir/", '5', 01777, 5, 6, 0, "", 0, 0)
                        .pax(
                                "mtime", "200.5",
                                "uid", "3000000000",
                                "SCHILY.xattr.security.capability", capability,
                                "SCHILY.xattr.user.note", "hello",
                                "SCHILY.xattr.trusted.overlay.redirect", "/etc")
                        .file("dir/tool", 06755, "x".getBytes(StandardCharsets.US_ASCII))
                        .symlink("dir/link", "/outside/nowhere")
                        .header("dir/pipe", '6', 0640, 1, 2, 0, "", 0, 0)
                        .device("dir/null", '3', 1, 3)
                        .device("dir/disk", '4', 259, 70000)
                        .hardLink("dir/twin", "/dir/tool"));
        Statx dir = stat("dir");
        assertThat(dir.mode()).isEqualTo(041777);
        assertThat(dir.uid()).isEqualTo(5);
        assertThat(dir.mtimeNs()).isEqualTo(100_250_000_000L);
        Statx tool = stat("dir/tool");
        assertThat(tool.mode()).isEqualTo(0106755);
        assertThat(Integer.toUnsignedLong(tool.uid())).isEqualTo(3_000_000_000L);
        assertThat(tool.mtimeNs()).isEqualTo(200_500_000_000L);
        assertThat(tool.links()).isEqualTo(2);
        assertThat(stat("dir/twin").inode()).isEqualTo(tool.inode());
        assertThat(stat("dir/pipe").mode()).isEqualTo(010640);
        assertThat(stat("dir/null").rdev()).isEqualTo(Statx.makedev(1, 3));
        assertThat(stat("dir/disk").rdev()).isEqualTo(Statx.makedev(259, 70000));
        try (OwnedFd parent = open(tree.resolve("dir"))) {
            assertThat(files.lgetxattr(parent, "tool", "security.capability"))
                    .hasValueSatisfying(v -> assertThat(v).isEqualTo(capability));
            assertThat(files.lgetxattr(parent, "tool", "user.note")).isPresent();
            assertThat(files.lgetxattr(parent, "tool", "trusted.overlay.redirect")).isEmpty();
        }
    }

    @Test
    void whiteoutsBecomeWhatOverlayfsReads() throws Exception {
        unpack(
                new TarBytes()
                        .file("a/.wh.gone", "")
                        .file("a/.wh..wh..opq", "")
                        .file("a/stays", "x")
                        .file(".wh.later", "")
                        .file("later/x", "x")
                        .file("both/x", "x")
                        .file(".wh.both", "")
                        .file("plain", "x")
                        .file(".wh.plain", "")
                        .file(".wh.again", "")
                        .file("again", "new"));
        assertThat(stat("a/gone").isCharDevice()).isTrue();
        assertThat(stat("a/gone").rdev()).isZero();
        assertThat(isOpaque("a")).isTrue();
        assertThat(read("a/stays")).isEqualTo("x");
        assertThat(isOpaque("later")).isTrue();
        assertThat(isOpaque("both")).isTrue();
        assertThat(read("both/x")).isEqualTo("x");
        assertThat(read("plain")).isEqualTo("x");
        assertThat(read("again")).isEqualTo("new");
        try (Stream<Path> all = java.nio.file.Files.walk(tree)) {
            assertThat(all).noneMatch(p -> p.getFileName().toString().startsWith(".wh."));
        }
    }

    @Test
    void theLastOfSeveralMembersOfANameWins() throws Exception {
        LayerSummary summary =
                unpack(
                        new TarBytes()
                                .file("x/y", "1")
                                .file("x/z", "1")
                                .directory("x/", 0700)
                                .file("x/y", "2")
                                .directory("d/deep/", 0755)
                                .file("d", "file now")
                                .symlink("s", "x")
                                .directory("s/", 0755)
                                .file("s/in", "3")
                                .hardLink("x/y", "x/y"));
        assertThat(read("x/y")).isEqualTo("2");
        assertThat(read("x/z")).isEqualTo("1");
        assertThat(stat("x").mode()).isEqualTo(040700);
        assertThat(read("d")).isEqualTo("file now");
        assertThat(stat("s").isDirectory()).isTrue();
        assertThat(exists("x/in")).isFalse();
        assertThat(summary.implicitDirectories()).isEmpty();
    }

    @Test
    void directoriesThatAreNotDescribedAreRemembered() throws Exception {
        LayerSummary summary =
                unpack(new TarBytes().file("a/b/c", "x").directory("a/b/", 0700).file("d/e", ""));
        assertThat(summary.implicitDirectories()).containsExactly("a", "d");
        assertThat(summary.entries()).isEqualTo(3);
    }

    @Test
    void holesStayHoles() throws Exception {
        unpack(
                new TarBytes()
                        .pax("GNU.sparse.map", "0,3,500000,2", "GNU.sparse.size", "600000")
                        .file("holes", 0644, "abcde".getBytes(StandardCharsets.US_ASCII))
                        .end(),
                SMALL);
        byte[] content = java.nio.file.Files.readAllBytes(tree.resolve("holes"));
        assertThat(content).hasSize(600000);
        assertThat(content[500001]).isEqualTo((byte) 'e');
        assertThat(stat("holes").blocks() * 512).isLessThan(100_000);
    }

    @Test
    void allCompressionsAreToldByTheirFirstBytes() throws Exception {
        byte[] tar = new TarBytes().file("x", "content").end();
        ByteArrayOutputStream members = new ByteArrayOutputStream();
        for (int half = 0; half < 2; half++) {
            try (GZIPOutputStream gzip = new GZIPOutputStream(members)) {
                gzip.write(tar, half * tar.length / 2, tar.length / 2);
            }
        }
        for (byte[] compressed :
                List.of(tar, members.toByteArray(), com.github.luben.zstd.Zstd.compress(tar))) {
            unpack(compressed, SMALL);
            assertThat(read("x")).isEqualTo("content");
        }
    }

    @Test
    void aWriteThroughALinkStaysInside() throws Exception {
        unpack(
                new TarBytes()
                        .directory("outside/", 0755)
                        .symlink("abs", "/outside")
                        .symlink("up", "../../../../outside")
                        .file("abs/one", "1")
                        .file("up/two", "2"));
        assertThat(read("outside/one")).isEqualTo("1");
        assertThat(read("outside/two")).isEqualTo("2");
    }

    @Test
    void absoluteNamesAreRelativeToTheRoot() throws Exception {
        unpack(new TarBytes().file("/etc//./passwd", "x"));
        assertThat(read("etc/passwd")).isEqualTo("x");
    }

    /** A layer, and what its refusal says. */
    record Hostile(String name, TarBytes tar, String message) {
        @Override
        public String toString() {
            return name;
        }
    }

    static Stream<Hostile> corpus() {
        TarBytes many = new TarBytes();
        for (int i = 0; i <= 1000; i++) {
            many.directory("d" + i + "/", 0755);
        }
        return Stream.of(
                new Hostile("dotdot", new TarBytes().file("../outside/x", "x"), "\"..\""),
                new Hostile(
                        "dotdot inside", new TarBytes().file("a/../../outside/x", "x"), "\"..\""),
                new Hostile(
                        "directory dotdot",
                        new TarBytes().directory("../outside/", 0777),
                        "\"..\""),
                new Hostile(
                        "hard link out",
                        new TarBytes().hardLink("x", "../outside/secret"),
                        "\"..\""),
                new Hostile(
                        "hard link absolute",
                        new TarBytes().hardLink("x", "/outside/secret"),
                        "no file of this layer"),
                new Hostile(
                        "hard link through a link",
                        new TarBytes().symlink("l", "../outside").hardLink("x", "l/secret"),
                        "no file of this layer"),
                new Hostile(
                        "hard link to a directory",
                        new TarBytes().directory("d/", 0755).hardLink("x", "d"),
                        "no file of this layer"),
                new Hostile(
                        "write through a dangling link",
                        new TarBytes().symlink("l", "../outside").file("l/x", "x"),
                        "leads to nothing"),
                new Hostile(
                        "write through a loop",
                        new TarBytes().symlink("a", "b").symlink("b", "a").file("a/x", "x"),
                        "cannot be reached"),
                new Hostile(
                        "write through a magic link",
                        new TarBytes().symlink("l", "/proc/self/root/etc").file("l/x", "x"),
                        "leads to nothing"),
                new Hostile(
                        "member in a file",
                        new TarBytes().file("f", "x").file("f/x", "x"),
                        "is no directory"),
                new Hostile("bare whiteout", new TarBytes().file("a/.wh.", ""), "whiteout"),
                new Hostile("dot whiteout", new TarBytes().file(".wh..", ""), "whiteout"),
                new Hostile("dotdot whiteout", new TarBytes().file("a/.wh...", ""), "whiteout"),
                new Hostile("member in a whiteout", new TarBytes().file(".wh.a/x", ""), "whiteout"),
                new Hostile(
                        "root is a file", new TarBytes().file("./", "x").symlink("/", "/"), "root"),
                new Hostile("too many members", many, "more than 1000 members"),
                new Hostile(
                        "too many bytes",
                        new TarBytes()
                                .pax("GNU.sparse.map", "0,0", "GNU.sparse.size", "2000000000000")
                                .file("huge", ""),
                        "unpacks to more than"),
                new Hostile(
                        "name too long",
                        new TarBytes().pax("path", "n".repeat(256)).file("x", ""),
                        "unpack layer member"));
    }

    @ParameterizedTest
    @MethodSource("corpus")
    void aHostileLayerIsRefusedAndTouchesNothingOutside(Hostile layer) throws Exception {
        Map<String, String> before = outsideTree();
        assertThatThrownBy(() -> unpack(layer.tar().end(), SMALL))
                .isInstanceOf(ImageException.class)
                .hasMessageContaining(layer.message());
        assertThat(outsideTree()).isEqualTo(before);
    }

    private Map<String, String> outsideTree() throws Exception {
        Map<String, String> result = new TreeMap<>();
        try (Stream<Path> all = java.nio.file.Files.walk(directory)) {
            for (Path path : all.filter(p -> !p.startsWith(tree)).toList()) {
                Statx st =
                        files.statx(Fd.CWD, path.toString(), At.AT_SYMLINK_NOFOLLOW).orElseThrow();
                result.put(
                        path.toString(),
                        st.mode()
                                + " "
                                + st.uid()
                                + " "
                                + st.links()
                                + " "
                                + st.inode()
                                + " "
                                + (st.isDirectory() ? "" : java.nio.file.Files.readString(path)));
            }
        }
        return result;
    }

    @Test
    void aBombIsStopped() throws Exception {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (GZIPOutputStream gzip = new GZIPOutputStream(bytes)) {
            gzip.write(new TarBytes().file("zeros", 0644, new byte[900_000]).end());
        }
        assertThatThrownBy(() -> unpack(bytes.toByteArray(), SMALL))
                .isInstanceOf(ImageException.class)
                .hasMessageContaining("more than 100 times");
    }

    @Test
    void devicesCanBeForbidden() throws Exception {
        UnpackLimits strict = new UnpackLimits(1000, 1 << 20, 100, 64 << 10, false);
        byte[] tar = new TarBytes().device("null", '3', 1, 3).end();
        assertThatThrownBy(() -> unpack(tar, strict)).hasMessageContaining("device node");
        assertThat(exists("null")).isFalse();
    }

    @Test
    void aCutOffStreamFails() throws Exception {
        byte[] tar = new TarBytes().file("x", 0644, new byte[5000]).end();
        assertThatThrownBy(() -> unpack(java.util.Arrays.copyOf(tar, 3000), SMALL))
                .isInstanceOf(IOException.class);
    }
}
