package dev.berth.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.berth.linux.file.SafeRoot;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Path;
import java.util.Optional;

@Tag("root")
class MountsRootTest {
    private static final Linux LINUX = Linux.host();
    private static final Mounts MOUNTS = LINUX.mounts();
    private static final Files FILES = LINUX.files();
    @TempDir Path temp;

    private static OwnedFd tmpfs() throws ErrnoException {
        try (OwnedFd context = MOUNTS.fsopen("tmpfs")) {
            MOUNTS.fsconfigString(context, "size", "1m");
            MOUNTS.fsconfigCreate(context);
            return MOUNTS.fsmount(context, MountFlags.MOUNT_ATTR_NODEV);
        }
    }

    @Test
    void aDetachedMountIsFilledAndMadeReadOnly() throws ErrnoException {
        try (OwnedFd mount = tmpfs();
                SafeRoot root = SafeRoot.over(FILES, mount)) {
            assertThat(FILES.fstatfsMagic(mount)).isEqualTo(FsMagic.TMPFS_MAGIC);
            root.mkdirs("a/b", 0755, 1234, 4321).close();
            assertThat(root.statNoFollow("a/b").orElseThrow().uid()).isEqualTo(1234);
            MOUNTS.mountSetattr(
                    mount,
                    "",
                    At.AT_EMPTY_PATH,
                    MountFlags.MOUNT_ATTR_RDONLY,
                    0,
                    MountFlags.MS_PRIVATE,
                    Optional.empty());
            assertThatThrownBy(() -> root.mkdirs("c", 0755, 0, 0).close())
                    .hasMessageContaining("EROFS");
        }
    }

    @Test
    void aWrongOptionIsNamedWithTheKernelsOwnWords() throws ErrnoException {
        try (OwnedFd context = MOUNTS.fsopen("tmpfs")) {
            assertThatThrownBy(() -> MOUNTS.fsconfigString(context, "size", "lots"))
                    .isInstanceOf(ErrnoException.class)
                    .hasMessageContaining("fsconfig(size=lots; e tmpfs: Bad value for 'size'")
                    .hasMessageContaining("EINVAL");
        }
        assertThatThrownBy(() -> MOUNTS.fsopen("nosuchfs").close())
                .hasMessage("fsopen(nosuchfs): ENODEV (No such device)");
    }

    @Test
    void overlayStacksByDescriptorOrSaysWhyNot() throws ErrnoException {
        try (OwnedFd lower = tmpfs();
                OwnedFd upper = tmpfs()) {
            FILES.mkdirat(lower, "l", 0755);
            FILES.mkdirat(upper, "u", 0755);
            FILES.mkdirat(upper, "w", 0755);
            try (OwnedFd context = MOUNTS.fsopen("overlay");
                    OwnedFd l = FILES.openat(lower, "l", Open.O_PATH, 0);
                    OwnedFd u = FILES.openat(upper, "u", Open.O_PATH, 0);
                    OwnedFd w = FILES.openat(upper, "w", Open.O_PATH, 0)) {
                try {
                    MOUNTS.fsconfigFd(context, "lowerdir+", l);
                } catch (ErrnoException e) {
                    assertThat(e.errno()).as("a kernel before 6.13").isEqualTo(Errno.EINVAL);
                    return;
                }
                MOUNTS.fsconfigFd(context, "upperdir", u);
                MOUNTS.fsconfigFd(context, "workdir", w);
                MOUNTS.fsconfigCreate(context);
                try (OwnedFd merged = MOUNTS.fsmount(context, 0)) {
                    assertThat(FILES.fstatfsMagic(merged)).isEqualTo(FsMagic.OVERLAYFS_SUPER_MAGIC);
                }
            }
        }
    }

    @Test
    void removalStopsAtAMountAndLeavesWhatIsInIt() throws ErrnoException {
        try (SafeRoot root = SafeRoot.open(FILES, Fd.CWD, temp.toString());
                OwnedFd target = root.mkdirs("t/a/mnt", 0755, 0, 0);
                OwnedFd mount = tmpfs()) {
            FILES.mknodat(mount, "kept", FileMode.S_IFREG | 0600, 0);
            int flags = MountFlags.MOVE_MOUNT_F_EMPTY_PATH | MountFlags.MOVE_MOUNT_T_EMPTY_PATH;
            String path = temp.resolve("t/a/mnt").toString();
            MOUNTS.moveMount(mount, "", target, "", flags);
            try {
                assertThatThrownBy(() -> root.removeTree("t"))
                        .hasMessage(
                                "unlinkat(mnt: a mount, unmount it first): EBUSY (Device or resource busy)");
                assertThat(FILES.statx(mount, "kept", 0)).isPresent();
            } finally {
                int detach = MountFlags.MNT_DETACH | MountFlags.UMOUNT_NOFOLLOW;
                assertThat(MOUNTS.umount2(path, detach)).isTrue();
            }
            assertThat(MOUNTS.umount2(path, 0)).as("nothing mounted").isFalse();
            assertThat(root.removeTree("t")).isTrue();
        }
    }

    @Test
    void bindMountsAreMountsToRemovalToo() throws ErrnoException {
        try (SafeRoot root = SafeRoot.open(FILES, Fd.CWD, temp.toString());
                OwnedFd source = root.mkdirs("source", 0755, 0, 0);
                OwnedFd target = root.mkdirs("t/bind", 0755, 0, 0)) {
            root.create("source/kept", 0600).close();
            int open = MountFlags.OPEN_TREE_CLONE | At.AT_EMPTY_PATH;
            int flags = MountFlags.MOVE_MOUNT_F_EMPTY_PATH | MountFlags.MOVE_MOUNT_T_EMPTY_PATH;
            try (OwnedFd bind = MOUNTS.openTree(source, "", open)) {
                MOUNTS.moveMount(bind, "", target, "", flags);
            }
            try {
                assertThatThrownBy(() -> root.removeTree("t")).hasMessageContaining("EBUSY");
            } finally {
                MOUNTS.umount2(temp.resolve("t/bind").toString(), MountFlags.MNT_DETACH);
            }
            assertThat(root.statNoFollow("source/kept")).isPresent();
        }
    }

    @Test
    void readRegularOpensNoDevice() throws ErrnoException {
        try (SafeRoot root = SafeRoot.open(FILES, Fd.CWD, temp.toString());
                SafeRoot.Parent parent = root.parent("passwd")) {
            FILES.mknodat(
                    parent.directory(), "passwd", FileMode.S_IFCHR | 0600, Statx.makedev(1, 5));
            Statx st = root.statNoFollow("passwd").orElseThrow();
            assertThat(Statx.major(st.rdev())).isEqualTo(1);
            assertThat(Statx.minor(st.rdev())).isEqualTo(5);
            assertThatThrownBy(() -> root.readRegular("passwd", 100))
                    .hasMessageContaining("no regular file");
        }
    }

    @Test
    void mountTakesLongOptionsAndRefusesMoreThanAPage() {
        String options = "size=1m," + "x".repeat(4100);
        assertThatThrownBy(() -> MOUNTS.mount("t", temp.toString(), "tmpfs", 0, options))
                .hasMessageContaining("at most 4095");
    }
}
