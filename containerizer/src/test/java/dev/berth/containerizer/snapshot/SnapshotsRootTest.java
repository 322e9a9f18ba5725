package dev.berth.containerizer.snapshot;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.berth.containerizer.snapshot.OverlayMounter.Way;
import dev.berth.containerizer.snapshot.RootPreparation.Needs;
import dev.berth.isolator.ContainerConfig.Link;
import dev.berth.isolator.ContainerId;
import dev.berth.linux.Errno;
import dev.berth.linux.ErrnoException;
import dev.berth.linux.Fd;
import dev.berth.linux.Files;
import dev.berth.linux.FsMagic;
import dev.berth.linux.Linux;
import dev.berth.linux.Open;
import dev.berth.linux.OwnedFd;
import dev.berth.linux.Statx;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.nio.charset.StandardCharsets;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Overlay mounts and hostile roots on this machine's kernel. */
@Tag("root")
class SnapshotsRootTest {
    private static final ContainerId ID = new ContainerId("0a".repeat(32));
    private static final int DIRECTORY = Open.O_PATH | Open.O_DIRECTORY;

    private final Linux linux = Linux.host();
    private final Files files = linux.files();
    @TempDir Path temp;
    private OwnedFd dataRoot;
    private Snapshots snapshots;
    private final List<OwnedFd> layers = new ArrayList<>();
    private String mountsBefore = "";
    private int fdsBefore;

    @BeforeEach
    void open() throws Exception {
        files.eventfd().close();
        fdsBefore = files.openDescriptors().size();
        mountsBefore = mountinfo();
        java.nio.file.Files.createDirectories(temp.resolve("data"));
        dataRoot = files.openat(Fd.CWD, temp.resolve("data").toString(), DIRECTORY, 0);
        snapshots = Snapshots.open(linux, dataRoot);
    }

    @AfterEach
    void nothingStays() throws Exception {
        layers.forEach(OwnedFd::close);
        snapshots.remove(ID);
        assertThat(snapshots.present()).isEmpty();
        snapshots.close();
        dataRoot.close();
        assertThat(mountinfo()).isEqualTo(mountsBefore);
        assertThat(files.openDescriptors()).hasSize(fdsBefore);
    }

    private String mountinfo() throws ErrnoException {
        return new String(
                files.readFile(Fd.CWD, "/proc/self/mountinfo", 1 << 20), StandardCharsets.UTF_8);
    }

    private Path layer(int n) throws Exception {
        Path directory = temp.resolve("layers/l" + n);
        java.nio.file.Files.createDirectories(directory);
        layers.add(files.openat(Fd.CWD, directory.toString(), DIRECTORY, 0));
        return directory;
    }

    /** Layer n has its own file, changes a common one, and hides the file of the layer before. */
    private void stack(int count) throws Exception {
        for (int n = 0; n < count; n++) {
            Path directory = layer(n);
            java.nio.file.Files.writeString(directory.resolve("own" + n), "own");
            java.nio.file.Files.writeString(directory.resolve("common"), "from " + n);
            if (n % 10 == 9) {
                files.mknodat(layers.getLast(), "own" + (n - 1), 0x2000, Statx.makedev(0, 0));
            }
        }
    }

    private String read(Fd root, String path) throws ErrnoException {
        return new String(files.readFile(root, path, 1 << 16), StandardCharsets.UTF_8);
    }

    private void write(Fd root, String path, String text) throws ErrnoException {
        try (OwnedFd file =
                files.openat(root, path, Open.O_WRONLY | Open.O_CREAT | Open.O_TRUNC, 0644)) {
            files.writeAll(file, text.getBytes(StandardCharsets.UTF_8));
        }
    }

    @ParameterizedTest
    @CsvSource({
        "DESCRIPTORS,1",
        "DESCRIPTORS,20",
        "DESCRIPTORS,120",
        "SINGLE_STRINGS,1",
        "SINGLE_STRINGS,20",
        "SINGLE_STRINGS,120",
        "JOINED_STRING,1",
        "JOINED_STRING,8",
        "MOUNT_SYSCALL,1",
        "MOUNT_SYSCALL,20",
        "MOUNT_SYSCALL,120",
    })
    void everyWayToNameLayersGivesTheSameRoot(Way way, int count) throws Exception {
        stack(count);
        snapshots.create(ID, layers, true);
        OverlayMounter mounter = new OverlayMounter(linux);
        try (OwnedFd own = files.openat(dataRoot, "containers/" + ID, DIRECTORY, 0);
                OwnedFd upper = files.openat(own, "upper", DIRECTORY, 0);
                OwnedFd work = files.openat(own, "work", DIRECTORY, 0);
                OwnedFd root =
                        mounter.mount(way, layers, new OverlayMounter.Writable(upper, work, own))
                                .orElseThrow()) {
            assertThat(mountinfo()).isEqualTo(mountsBefore);
            assertThat(files.fstatfsMagic(root)).isEqualTo(FsMagic.OVERLAYFS_SUPER_MAGIC);
            assertThat(read(root, "common")).isEqualTo("from " + (count - 1));
            assertThat(read(root, "own0")).isEqualTo("own");
            if (count >= 10) {
                assertThat(files.statx(root, "own8", 0)).as("whited out").isEmpty();
            }
            write(root, "common", "mine");
            assertThat(read(root, "common")).isEqualTo("mine");
            assertThat(read(upper, "common")).isEqualTo("mine");
        }
        assertThat(read(layers.getLast(), "common")).isEqualTo("from " + (count - 1));
    }

    @Test
    void joinedNamesThatAreTooLongAreLeftToAnotherWay() throws Exception {
        stack(40);
        snapshots.create(ID, layers, true);
        try (OwnedFd own = files.openat(dataRoot, "containers/" + ID, DIRECTORY, 0);
                OwnedFd upper = files.openat(own, "upper", DIRECTORY, 0);
                OwnedFd work = files.openat(own, "work", DIRECTORY, 0)) {
            var writable = new OverlayMounter.Writable(upper, work, own);
            assertThat(new OverlayMounter(linux).mount(Way.JOINED_STRING, layers, writable))
                    .isEmpty();
        }
    }

    @Test
    void writableLayerOutlivesItsMounts() throws Exception {
        stack(3);
        java.nio.file.Files.setPosixFilePermissions(
                temp.resolve("layers/l2"), PosixFilePermissions.fromString("rwxr-x--x"));
        files.fchownat(layers.getLast(), "", 12, 34, 0x1000);
        snapshots.create(ID, layers, true);
        snapshots.create(ID, layers, true);
        assertThat(snapshots.present()).containsExactly(ID);
        try (OwnedFd root = snapshots.mount(ID, layers)) {
            Statx st = files.statx(root, "", 0x1000).orElseThrow();
            assertThat(st.mode() & 07777).isEqualTo(0751);
            assertThat(st.uid()).isEqualTo(12);
            assertThat(st.gid()).isEqualTo(34);
            write(root, "kept", "yes");
            files.unlinkat(root, "own0", 0);
        }
        try (OwnedFd root = snapshots.mount(ID, layers);
                OwnedFd upper = snapshots.upper(ID)) {
            assertThat(read(root, "kept")).isEqualTo("yes");
            assertThat(files.statx(root, "own0", 0)).isEmpty();
            assertThat(files.statx(upper, "own0", 0x100).orElseThrow().isCharDevice()).isTrue();
        }
        snapshots.remove(ID);
        snapshots.remove(ID);
        assertThat(temp.resolve("data/containers/" + ID)).doesNotExist();
        assertThatThrownBy(() -> snapshots.mount(ID, layers))
                .isInstanceOf(SnapshotException.class)
                .hasMessageContaining("no writable layer");
    }

    @Test
    void directoryIsClonedAndAFileRefused() throws Exception {
        Path directory = temp.resolve("rootfs");
        java.nio.file.Files.createDirectory(directory);
        java.nio.file.Files.writeString(directory.resolve("here"), "x");
        try (OwnedFd root = snapshots.mountDirectory(directory.toString())) {
            assertThat(read(root, "here")).isEqualTo("x");
            RootPreparation.prepare(files, root, needs("/work"));
        }
        assertThat(directory.resolve("work")).isDirectory();
        assertThatThrownBy(() -> snapshots.mountDirectory(directory + "/here"))
                .hasMessageContaining("is no directory");
        assertThatThrownBy(() -> snapshots.mountDirectory(directory + "/absent"))
                .isInstanceOf(SnapshotException.class);
    }

    private static Needs needs(String workingDirectory) {
        return new Needs(
                List.of("/data", "/var/lib/db"),
                List.of("/etc/hosts", "/etc/hostname", "/etc/resolv.conf", "/opt/one/file"),
                Optional.of(workingDirectory),
                List.of());
    }

    @Test
    void whatALaunchNeedsIsMadeAndTheRestLeftAlone() throws Exception {
        Path base = layer(0);
        java.nio.file.Files.createDirectories(base.resolve("etc"));
        java.nio.file.Files.writeString(base.resolve("etc/hosts"), "the image's");
        java.nio.file.Files.createDirectories(base.resolve("var/lib/db"));
        snapshots.create(ID, layers, true);
        try (OwnedFd root = snapshots.mount(ID, layers)) {
            RootPreparation.prepare(files, root, needs("/srv/a/b"));
            RootPreparation.prepare(files, root, needs("/proc/self/fd/7"));
            for (String directory :
                    List.of("proc", "sys", "dev", "data", "var/lib/db", "srv/a/b", "opt/one")) {
                assertThat(files.statx(root, directory, 0x100).orElseThrow().isDirectory())
                        .as(directory)
                        .isTrue();
            }
            assertThat(files.list(openAt(root, "proc"))).isEmpty();
            assertThat(read(root, "etc/hosts")).isEqualTo("the image's");
            assertThat(read(root, "etc/resolv.conf")).isEmpty();
            assertThat(files.statx(root, "opt/one/file", 0).orElseThrow().isRegular()).isTrue();
        }
    }

    private Fd openAt(Fd root, String path) throws ErrnoException {
        OwnedFd fd = files.openat(root, path, Open.O_RDONLY | Open.O_DIRECTORY, 0);
        layers.add(fd); // closed with them
        return fd;
    }

    @ParameterizedTest
    @ValueSource(strings = {"proc", "sys", "dev"})
    void kernelDirectoryThatIsALinkIsRefused(String name) throws Exception {
        Path canary = temp.resolve("canary");
        java.nio.file.Files.createDirectory(canary);
        for (String target : List.of("../../../" + canary, canary.toString(), "etc", "nowhere")) {
            Path base = layer(layers.size());
            java.nio.file.Files.createSymbolicLink(base.resolve(name), Path.of(target));
            snapshots.create(ID, layers, true);
            try (OwnedFd root = snapshots.mount(ID, layers)) {
                assertThatThrownBy(() -> RootPreparation.prepare(files, root, needs("/")))
                        .isInstanceOf(SnapshotException.class)
                        .hasMessageContaining("ships /" + name + " as a symbolic link");
            }
            snapshots.remove(ID);
        }
        assertThat(canary).isEmptyDirectory();
    }

    @Test
    void linksInTheImageLeadNowhereOutside() throws Exception {
        Path canary = temp.resolve("canary");
        java.nio.file.Files.createDirectory(canary);
        Path base = layer(0);
        Path up = Path.of("../".repeat(20) + canary);
        java.nio.file.Files.createSymbolicLink(base.resolve("data"), up);
        java.nio.file.Files.createSymbolicLink(base.resolve("etc"), canary);
        java.nio.file.Files.createSymbolicLink(base.resolve("var"), Path.of("/proc/self/cwd"));
        java.nio.file.Files.createSymbolicLink(base.resolve("work"), canary.resolve("new/dir"));
        java.nio.file.Files.createSymbolicLink(base.resolve("opt"), Path.of("../../.."));
        snapshots.create(ID, layers, true);
        try (OwnedFd root = snapshots.mount(ID, layers)) {
            RootPreparation.prepare(files, root, needs("/work/deep"));
            // All of it landed inside, at the same path.
            String inside = canary.toString().substring(1);
            assertThat(files.statx(root, inside + "/hosts", 0x100)).isPresent();
            assertThat(files.statx(root, inside + "/new/dir/deep", 0x100)).isPresent();
            assertThat(files.statx(root, "one/file", 0x100)).isPresent();
        }
        assertThat(canary).isEmptyDirectory();
    }

    @Test
    void linksAreMadeInsideWhereNothingIsAndLeftOutWhereTheyCannotBe() throws Exception {
        Path canary = temp.resolve("canary");
        java.nio.file.Files.createDirectory(canary);
        Path base = layer(0);
        java.nio.file.Files.createDirectories(base.resolve("usr/bin"));
        java.nio.file.Files.writeString(base.resolve("usr/bin/there"), "the image's");
        java.nio.file.Files.writeString(base.resolve("file"), "in the way");
        java.nio.file.Files.createSymbolicLink(base.resolve("out"), canary);
        java.nio.file.Files.createSymbolicLink(base.resolve("loop"), Path.of("loop"));
        Needs needs =
                new Needs(
                        List.of(),
                        List.of(),
                        Optional.empty(),
                        List.of(
                                new Link("/usr/bin/tool", "/opt/tool"),
                                new Link("/usr/bin/there", "/opt/other"),
                                new Link("/new/deep/name", "../x"),
                                new Link("/out/name", "/y"),
                                new Link("/file/name", "/z"),
                                new Link("/loop/name", "/z"),
                                new Link("/proc/name", "/z")));
        snapshots.create(ID, layers, true);
        try (OwnedFd root = snapshots.mount(ID, layers)) {
            RootPreparation.prepare(files, root, needs);
            RootPreparation.prepare(files, root, needs);
            assertThat(files.readlinkat(root, "usr/bin/tool")).isEqualTo("/opt/tool");
            assertThat(read(root, "usr/bin/there")).isEqualTo("the image's");
            assertThat(files.readlinkat(root, "new/deep/name")).isEqualTo("../x");
            assertThat(files.readlinkat(root, canary.toString().substring(1) + "/name"))
                    .isEqualTo("/y");
            assertThat(files.list(openAt(root, "proc"))).isEmpty();
        }
        assertThat(canary).isEmptyDirectory();
    }

    @Test
    void whatIsInTheWayIsNamed() throws Exception {
        Path base = layer(0);
        java.nio.file.Files.writeString(base.resolve("data"), "a file");
        snapshots.create(ID, layers, true);
        try (OwnedFd root = snapshots.mount(ID, layers)) {
            assertThatThrownBy(() -> RootPreparation.prepare(files, root, needs("/")))
                    .isInstanceOf(SnapshotException.class)
                    .hasMessageContaining("/data")
                    .cause()
                    .isInstanceOfSatisfying(
                            ErrnoException.class,
                            e -> assertThat(e.errno()).isEqualTo(Errno.ENOTDIR));
        }
        assertThat(base.resolve("proc").toFile()).doesNotExist();
        assertThat(java.nio.file.Files.isDirectory(base, LinkOption.NOFOLLOW_LINKS)).isTrue();
    }

    /** Marks of overlay's own in a layer, as a hostile image might ship them, redirect nothing. */
    @Test
    void redirectMarksInLayersHaveNoEffect() throws Exception {
        Path base = layer(0);
        java.nio.file.Files.createDirectories(base.resolve("secret"));
        java.nio.file.Files.writeString(base.resolve("secret/key"), "hidden by whiteout");
        Path top = layer(1);
        java.nio.file.Files.createDirectory(top.resolve("open"));
        files.mknodat(layers.getLast(), "secret", 0x2000, Statx.makedev(0, 0));
        files.lsetxattr(
                layers.getLast(),
                "open",
                "trusted.overlay.redirect",
                "/secret".getBytes(StandardCharsets.UTF_8));
        snapshots.create(ID, layers, true);
        try (OwnedFd root = snapshots.mount(ID, layers)) {
            boolean seen;
            try {
                seen = files.statx(root, "open/key", 0).isPresent();
            } catch (ErrnoException e) {
                seen = false; // the kernel refuses the marked directory altogether
            }
            assertThat(seen).isFalse();
        }
    }
}
