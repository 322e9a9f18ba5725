package dev.berth.linux.file;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.berth.linux.At;
import dev.berth.linux.Errno;
import dev.berth.linux.ErrnoException;
import dev.berth.linux.Fd;
import dev.berth.linux.FileMode;
import dev.berth.linux.Linux;
import dev.berth.linux.Open;
import dev.berth.linux.OwnedFd;
import dev.berth.linux.Statx;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Stream;

class SafeRootTest {
    private static final dev.berth.linux.Files FILES = Linux.host().files();
    private static final int UID = Linux.host().processes().geteuid();
    @TempDir Path temp;
    private Path inside;
    private Path outside;
    private SafeRoot root;
    private Map<Integer, String> descriptors;

    @BeforeEach
    void makeRoot() throws IOException, ErrnoException {
        inside = Files.createDirectory(temp.resolve("root"));
        outside = Files.createDirectory(temp.resolve("outside"));
        Files.writeString(outside.resolve("secret"), "secret");
        descriptors = FILES.openDescriptors();
        root = SafeRoot.open(FILES, Fd.CWD, inside.toString());
    }

    /** Nothing may reach the canary outside, and no descriptor may stay open. */
    @AfterEach
    void nothingEscapedAndNothingLeaked() throws ErrnoException, IOException {
        root.close();
        assertThat(FILES.openDescriptors()).isEqualTo(descriptors);
        assertThat(Files.readString(outside.resolve("secret"))).isEqualTo("secret");
        try (Stream<Path> entries = Files.list(outside)) {
            assertThat(entries).hasSize(1);
        }
    }

    private void link(String name, String target) throws IOException {
        Files.createSymbolicLink(inside.resolve(name), Path.of(target));
    }

    private void mkdirs(String path) throws ErrnoException {
        root.mkdirs(path, 0755, UID, UID).close();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "../outside/secret",
                "/../outside/secret",
                "a/../../outside/secret",
                "../../../../../../../../etc/passwd",
                "absolute",
                "relative",
                "dirlink/secret"
            })
    void noPathLeadsOut(String path) throws IOException, ErrnoException {
        Files.createDirectory(inside.resolve("a"));
        link("absolute", outside.resolve("secret").toString());
        link("relative", "../outside/secret");
        link("dirlink", outside.toString());
        assertThat(root.resolve(path)).isEmpty();
        assertThatThrownBy(() -> root.open(path, Open.O_RDONLY, 0).close())
                .isInstanceOf(ErrnoException.class)
                .hasMessageContaining("ENOENT");
    }

    @Test
    void absoluteLinksBeginAtTheRoot() throws IOException, ErrnoException {
        Files.createDirectory(inside.resolve("etc"));
        Files.writeString(inside.resolve("etc/passwd"), "inner");
        link("p", "/etc/passwd");
        try (OwnedFd fd = root.open("p", Open.O_RDONLY, 0)) {
            assertThat(FILES.readlinkat(Fd.CWD, "/proc/self/fd/" + fd.number()))
                    .isEqualTo(inside.resolve("etc/passwd").toString());
        }
    }

    @Test
    void magicLinksAreRefused() throws IOException, ErrnoException {
        try (SafeRoot proc = SafeRoot.open(FILES, Fd.CWD, "/proc/self")) {
            for (String path : new String[] {"root/etc/passwd", "cwd", "exe", "fd/0"}) {
                assertThatThrownBy(() -> proc.open(path, Open.O_RDONLY, 0).close())
                        .as(path)
                        .isInstanceOf(ErrnoException.class)
                        .hasMessageContaining("ELOOP");
            }
        }
    }

    @Test
    void mkdirsMakesWhatIsMissingWithModeAndOwner() throws ErrnoException {
        try (OwnedFd made = root.mkdirs("/a/b//c/./d/", 01777, UID, UID)) {
            Statx st = SafeRoot.stat(FILES, made, "d");
            assertThat(st.mode()).isEqualTo(FileMode.S_IFDIR | 01777);
        }
        try (OwnedFd again = root.mkdirs("a/b/c/d", 0700, UID, UID)) {
            assertThat(SafeRoot.stat(FILES, again, "d").mode())
                    .as("what exists is left as it is")
                    .isEqualTo(FileMode.S_IFDIR | 01777);
        }
        assertThat(inside.resolve("a/b/c/d")).isDirectory();
    }

    @Test
    void mkdirsFollowsLinksInsideTheRootAlsoDanglingOnes() throws IOException, ErrnoException {
        link("var", "/run/../deep/state");
        link("up", "../../../../outside");
        link("self", outside.toString());
        mkdirs("var/lib");
        mkdirs("up/x");
        mkdirs("self/y");
        assertThat(inside.resolve("deep/state/lib")).isDirectory();
        assertThat(inside.resolve("outside/x")).isDirectory();
        assertThat(inside.resolve(outside.toString().substring(1)).resolve("y")).isDirectory();
    }

    @Test
    void mkdirsEndsOnLoopsFilesAndAbsurdDepth() throws IOException {
        link("one", "two");
        link("two", "one");
        assertThatThrownBy(() -> mkdirs("one/x")).hasMessageContaining("ELOOP");
        Files.writeString(inside.resolve("file"), "");
        assertThatThrownBy(() -> mkdirs("file/x")).hasMessageContaining("ENOTDIR");
        assertThatThrownBy(() -> mkdirs("d/".repeat(2000))).hasMessageContaining("ENAMETOOLONG");
    }

    @Test
    void ensureFileMakesAnEmptyFileAndTakesWhatIsThere() throws IOException, ErrnoException {
        link("hosts", "/conf/hosts");
        try (OwnedFd made = root.ensureFile("/hosts", 0640, UID, UID)) {
            assertThat(SafeRoot.stat(FILES, made, "hosts").mode())
                    .isEqualTo(FileMode.S_IFREG | 0640);
        }
        assertThat(inside.resolve("conf/hosts")).isEmptyFile();
        Files.writeString(inside.resolve("conf/hosts"), "kept");
        root.ensureFile("hosts", 0640, UID, UID).close();
        assertThat(inside.resolve("conf/hosts")).hasContent("kept");
        link("evil", outside.resolve("new").toString());
        root.ensureFile("evil", 0640, UID, UID).close();
    }

    @Test
    void createNeverWritesThroughALink() throws IOException, ErrnoException {
        link("evil", outside.resolve("secret").toString());
        assertThatThrownBy(() -> root.create("evil", 0644).close())
                .isInstanceOf(ErrnoException.class)
                .hasMessageContaining("EEXIST");
        root.create("fresh", 0644).close();
        root.link("fresh", "second");
        root.link("evil", "third");
        assertThat(root.statNoFollow("second").orElseThrow().links()).isEqualTo(2);
        assertThat(root.statNoFollow("third").orElseThrow().isSymlink()).isTrue();
        assertThat(root.unlink("evil")).isTrue();
        assertThat(root.unlink("evil")).isFalse();
        assertThat(root.unlink("no/such/place")).isFalse();
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "/", ".", "..", "a/..", "a/."})
    void parentNeedsAName(String path) {
        assertThatThrownBy(() -> root.parent(path).close()).hasMessageContaining("EINVAL");
    }

    @Test
    void parentSplitsAndFollowsOnlyTheWayThere() throws IOException, ErrnoException {
        Files.createDirectory(inside.resolve("real"));
        link("way", "real");
        try (SafeRoot.Parent parent = root.parent("/way/name/")) {
            assertThat(parent.name()).isEqualTo("name");
            FILES.mknodat(parent.directory(), parent.name(), FileMode.S_IFIFO | 0600, 0);
        }
        assertThat(root.statNoFollow("real/name")).isPresent();
    }

    @Test
    void onlyRegularFilesAreRead() throws IOException, ErrnoException {
        Files.writeString(inside.resolve("passwd"), "root:x:0:0");
        assertThat(root.readRegular("passwd", 10)).hasValue("root:x:0:0".getBytes());
        assertThat(root.readRegular("absent", 10)).isEmpty();
        assertThat(root.readRegular("passwd/x", 10)).isEmpty();
        assertThatThrownBy(() -> root.readRegular("passwd", 9)).hasMessageContaining("EFBIG");
        link("link", "passwd");
        assertThatThrownBy(() -> root.readRegular("link", 10)).hasMessageContaining("ELOOP");
        Files.createDirectory(inside.resolve("dir"));
        assertThatThrownBy(() -> root.readRegular("dir", 10)).hasMessageContaining("EINVAL");
        try (SafeRoot.Parent parent = root.parent("fifo")) {
            FILES.mknodat(parent.directory(), "fifo", FileMode.S_IFIFO | 0600, 0);
        }
        assertThatThrownBy(() -> root.readRegular("fifo", 10)).hasMessageContaining("EINVAL");
        try (OwnedFd sparse = root.create("sparse", 0600)) {
            FILES.ftruncate(sparse, 10L << 30);
        }
        assertThatThrownBy(() -> root.readRegular("sparse", 1 << 20)).hasMessageContaining("EFBIG");
    }

    @Test
    void removeTreeTakesALinkAndNotItsTarget() throws IOException, ErrnoException {
        mkdirs("t/a/b");
        Files.createSymbolicLink(inside.resolve("t/a/out"), outside);
        Files.writeString(inside.resolve("t/a/b/f"), "x");
        assertThat(root.removeTree("t")).isTrue();
        assertThat(root.removeTree("t")).isFalse();
        link("dir", outside.toString());
        assertThat(root.removeTree("dir")).isTrue();
        try (Stream<Path> left = Files.list(inside)) {
            assertThat(left).isEmpty();
        }
    }

    @Test
    void removeTreeNeedsFewDescriptorsHoweverDeepItIs() throws ErrnoException {
        try (OwnedFd top = root.mkdirs("deep", 0755, UID, UID)) {
            OwnedFd here = FILES.duplicate(top);
            for (int i = 0; i < 3000; i++) {
                FILES.mkdirat(here, "d", 0755);
                FILES.mknodat(here, "f", FileMode.S_IFREG | 0600, 0);
                OwnedFd next = FILES.openat(here, "d", Open.O_PATH, 0);
                here.close();
                here = next;
            }
            here.close();
        }
        assertThat(root.removeTree("deep")).isTrue();
        assertThat(inside.resolve("deep")).doesNotExist();
    }

    @Test
    void emptyKeepsTheDirectory() throws ErrnoException {
        mkdirs("keep/a/b");
        try (OwnedFd keep = root.resolve("keep").orElseThrow()) {
            new TreeRemoval(FILES).empty(keep);
        }
        assertThat(inside.resolve("keep")).isEmptyDirectory();
    }

    /** A thread exchanges a directory and a link to the outside as fast as it can while every operation goes through the name. */
    @Test
    void aRacingExchangeNeverLeadsOut() throws Exception {
        Files.createDirectory(inside.resolve("x"));
        link("y", outside.toString());
        AtomicBoolean stop = new AtomicBoolean();
        AtomicLong exchanges = new AtomicLong();
        Thread racer =
                Thread.ofPlatform()
                        .start(() -> {
                            try (OwnedFd dir = root.resolve(".").orElseThrow()) {
                                while (!stop.get()) {
                                    FILES.renameat2(dir, "x", dir, "y", At.RENAME_EXCHANGE);
                                    exchanges.incrementAndGet();
                                }
                            } catch (ErrnoException e) {
                                throw new UncheckedIOException(new IOException(e));
                            }
                        });
        try {
            for (int i = 0; i < 3000; i++) {
                String name = "x/n" + i % 7;
                attempt(() -> root.mkdirs(name + "/d", 0755, UID, UID).close());
                attempt(() -> root.create(name + ".f", 0644).close());
                attempt(() -> root.ensureFile(name + ".g", 0644, UID, UID).close());
                attempt(() -> assertThat(root.readRegular("x/secret", 100)).isEmpty());
                attempt(() -> root.resolve("x/../x/secret").ifPresent(SafeRootTest::escaped));
                attempt(() -> root.removeTree(name));
                attempt(() -> root.unlink("x/secret"));
            }
        } finally {
            stop.set(true);
            racer.join();
        }
        assertThat(exchanges).hasValueGreaterThan(100);
    }

    private static void escaped(OwnedFd fd) {
        fd.close();
        throw new AssertionError("a path led out of the root");
    }

    private interface Attempt {
        void run() throws ErrnoException;
    }

    /** What a race makes fail may fail; it may only not escape, which the canary shows. */
    private static void attempt(Attempt attempt) {
        try {
            attempt.run();
        } catch (ErrnoException e) {
            assertThat(e.errno())
                    .isIn(
                            Errno.ENOENT,
                            Errno.ENOTDIR,
                            Errno.EEXIST,
                            Errno.EAGAIN,
                            Errno.ELOOP,
                            Errno.EISDIR,
                            Errno.ENOTEMPTY,
                            Errno.ESTALE);
        }
    }
}
