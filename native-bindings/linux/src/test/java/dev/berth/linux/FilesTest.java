package dev.berth.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

@SuppressWarnings("try") // some tests close early, on purpose
class FilesTest {
    private static final Files FILES = Linux.host().files();
    private static final int CREATE = Open.O_WRONLY | Open.O_CREAT | Open.O_EXCL;
    private static final int DIRECTORY = Open.O_RDONLY | Open.O_DIRECTORY;
    @TempDir Path temp;
    private OwnedFd dir;

    @BeforeEach
    void openDirectory() throws ErrnoException {
        dir = FILES.openat(Fd.CWD, temp.toString(), DIRECTORY, 0);
    }

    @AfterEach
    void closeDirectory() {
        dir.close();
    }

    private void create(String name, String content) throws ErrnoException {
        try (OwnedFd fd = FILES.openat(dir, name, CREATE, 0644)) {
            FILES.writeAll(fd, content.getBytes(StandardCharsets.UTF_8));
        }
    }

    private String content(String name) throws ErrnoException {
        return new String(FILES.readFile(dir, name, 1 << 20), StandardCharsets.UTF_8);
    }

    @Test
    void writesAndReadsBackMoreThanOneChunk() throws ErrnoException {
        String big = "0123456789abcdef".repeat(10_000);
        create("big", big);
        assertThat(content("big")).isEqualTo(big);
        assertThat(FILES.statx(dir, "big", 0).orElseThrow().sizeBytes()).isEqualTo(160_000);
    }

    @Test
    void failureNamesCallPathAndErrno() {
        ErrnoException e =
                catchThrowableOfType(
                        ErrnoException.class,
                        () -> FILES.openat(dir, "absent", Open.O_RDONLY, 0).close());
        assertThat(e.errno()).isEqualTo(Errno.ENOENT);
        assertThat(e).hasMessage("openat(absent): ENOENT (No such file or directory)");
    }

    @Test
    void writeFileFailureNamesPathAndValue() {
        assertThatThrownBy(() -> FILES.writeFile(Fd.CWD, "/proc/self/oom_score_adj", "x9"))
                .isInstanceOf(ErrnoException.class)
                .hasMessageContaining("write(/proc/self/oom_score_adj, 'x9'): EINVAL");
    }

    @Test
    void expectedAbsenceIsAValue() throws ErrnoException {
        assertThat(FILES.statx(dir, "absent", 0)).isEmpty();
        assertThat(FILES.unlinkat(dir, "absent", 0)).isFalse();
        assertThat(FILES.mkdirat(dir, "d", 0755)).isTrue();
        assertThat(FILES.mkdirat(dir, "d", 0755)).isFalse();
    }

    @Test
    void badDescriptorIsEbadf() {
        ErrnoException e =
                catchThrowableOfType(
                        ErrnoException.class, () -> FILES.fsync(Fd.borrowed(1_000_000)));
        assertThat(e.errno()).isEqualTo(Errno.EBADF);
    }

    @Test
    void nulInAPathIsEinvalAndCreatesNothing() throws ErrnoException {
        assertThatThrownBy(() -> FILES.mkdirat(dir, "a\0b", 0755))
                .isInstanceOf(ErrnoException.class)
                .hasMessageContaining("holds a NUL");
        assertThatThrownBy(() -> FILES.mkdirat(dir, "\u00e4\0b", 0755))
                .hasMessageContaining("holds a NUL");
        assertThat(FILES.list(dir)).isEmpty();
    }

    @Test
    void tooLongNameIsEnametoolongEvenBeyondTheScratchMemory() {
        for (int length : new int[] {256, 5000, 100_000}) {
            ErrnoException e =
                    catchThrowableOfType(
                            ErrnoException.class,
                            () -> FILES.mkdirat(dir, "x".repeat(length), 0755));
            assertThat(e.errno()).isEqualTo(Errno.ENAMETOOLONG);
        }
    }

    @Test
    void everyNameOfTheKernelCanBeNamedAgain() throws ErrnoException {
        String invalid = PathBytes.decode(new byte[] {'a', (byte) 0xff, (byte) 0xc3, 'b'});
        List<String> names = List.of("plain", "\u00fcml\u00e4ut \u4e2d \ud83d\ude00", invalid);
        for (String name : names) {
            create(name, name.length() + "");
        }
        assertThat(FILES.list(dir))
                .extracting(DirEntry::name)
                .containsExactlyInAnyOrderElementsOf(names);
        for (String name : names) {
            assertThat(content(name)).isEqualTo(name.length() + "");
            assertThat(FILES.unlinkat(dir, name, 0)).isTrue();
        }
        assertThat(FILES.list(dir)).isEmpty();
    }

    @Test
    void listsMoreEntriesThanOneBufferHolds() throws ErrnoException {
        for (int i = 0; i < 2000; i++) {
            create("a-rather-long-file-name-for-an-entry-" + i, "");
        }
        assertThat(FILES.list(dir)).hasSize(2000).allMatch(e -> e.type() == FileMode.DT_REG);
        assertThat(FILES.list(dir)).as("a second listing starts over").hasSize(2000);
    }

    @Test
    void linksAndRenames() throws ErrnoException {
        create("f", "1");
        FILES.symlinkat("f", dir, "s");
        assertThat(FILES.readlinkat(dir, "s")).isEqualTo("f");
        FILES.linkat(dir, "f", dir, "h", 0);
        Statx st = FILES.statx(dir, "h", At.AT_SYMLINK_NOFOLLOW).orElseThrow();
        assertThat(st.links()).isEqualTo(2);
        assertThat(st.isRegular()).isTrue();
        assertThat(FILES.statx(dir, "s", At.AT_SYMLINK_NOFOLLOW).orElseThrow().isSymlink())
                .isTrue();
        FILES.renameat2(dir, "h", dir, "g", At.RENAME_NOREPLACE);
        assertThatThrownBy(() -> FILES.renameat2(dir, "g", dir, "f", At.RENAME_NOREPLACE))
                .hasMessage("renameat2(g, f): EEXIST (File exists)");
        assertThatThrownBy(() -> FILES.readFile(dir, "s", 10))
                .as("readFile does not follow a trailing link")
                .hasMessageContaining("ELOOP");
    }

    @Test
    void timesAndModes() throws ErrnoException {
        create("f", "");
        FILES.utimensat(dir, "f", 1_000_000_007L, 5);
        FILES.fchmodat(dir, "f", 04710);
        Statx st = FILES.statx(dir, "f", 0).orElseThrow();
        assertThat(st.mtimeNs()).isEqualTo(1_000_000_007_000_000_005L);
        assertThat(st.mode()).isEqualTo(FileMode.S_IFREG | 04710);
        assertThat(st.mountId()).isNotZero();
    }

    @Test
    void limitOfReadFileIsAFailureAndNotACut() throws ErrnoException {
        create("f", "12345");
        assertThat(FILES.readFile(dir, "f", 5)).hasSize(5);
        assertThatThrownBy(() -> FILES.readFile(dir, "f", 4))
                .hasMessage("read(f: more than 4 bytes): EFBIG (File too large)");
    }

    @Test
    void kernelFilesOfSizeZeroAreReadToTheEnd() throws ErrnoException {
        byte[] maps = FILES.readFile(Fd.CWD, "/proc/self/smaps", 1 << 24);
        assertThat(maps.length).isGreaterThan(32 * 1024);
    }

    @Test
    void extendedAttributesOfFilesAndLinks() throws ErrnoException {
        create("f", "");
        byte[] value = {1, 0, 2};
        FILES.lsetxattr(dir, "f", "user.berth", value);
        assertThat(FILES.lgetxattr(dir, "f", "user.berth")).hasValue(value);
        assertThat(FILES.lgetxattr(dir, "f", "user.other")).isEmpty();
        FILES.symlinkat("f", dir, "s");
        assertThatThrownBy(() -> FILES.lsetxattr(dir, "s", "user.berth", value))
                .as("on the link itself, where the kernel refuses user attributes")
                .isInstanceOf(ErrnoException.class)
                .hasMessageContaining("s, user.berth): EPERM");
        try (OwnedFd fd = FILES.openat(dir, "f", Open.O_RDWR, 0)) {
            FILES.fsetxattr(fd, "user.big", new byte[1000]);
        }
        assertThat(FILES.lgetxattr(dir, "f", "user.big").orElseThrow()).hasSize(1000);
    }

    @Test
    void sealedMemfdRefusesWrites() throws ErrnoException {
        try (OwnedFd memfd = FILES.memfdCreate("test", Memfd.MFD_ALLOW_SEALING)) {
            FILES.writeAll(memfd, new byte[] {1, 2, 3});
            FILES.addSeals(memfd, Memfd.F_SEAL_SHRINK | Memfd.F_SEAL_GROW | Memfd.F_SEAL_WRITE);
            ErrnoException e =
                    catchThrowableOfType(
                            ErrnoException.class, () -> FILES.writeAll(memfd, new byte[1]));
            assertThat(e.errno()).isEqualTo(Errno.EPERM);
            assertThatThrownBy(() -> FILES.ftruncate(memfd, 0)).hasMessageContaining("EPERM");
            assertThat(FILES.lseek(memfd, 0, 2)).isEqualTo(3);
            try (Arena arena = Arena.ofConfined()) {
                MemorySegment target = arena.allocate(8);
                assertThat(FILES.pread(memfd, target, 1)).isEqualTo(2);
                assertThat(target.get(ValueLayout.JAVA_BYTE, 0)).isEqualTo((byte) 2);
            }
        }
    }

    @Test
    void inotifyTellsOfANewEntryAndWouldBlockOtherwise() throws ErrnoException {
        try (OwnedFd inotify = FILES.inotifyInit();
                Arena arena = Arena.ofConfined()) {
            int watch = FILES.inotifyAddWatch(inotify, dir, "", Inotify.IN_CREATE);
            MemorySegment events = arena.allocate(4096, 8);
            assertThat(FILES.read(inotify, events)).isEqualTo(-1);
            create("new", "");
            assertThat(FILES.read(inotify, events)).isPositive();
            assertThat(events.get(ValueLayout.JAVA_INT, 0)).isEqualTo(watch);
            assertThat(events.get(ValueLayout.JAVA_INT, 4)).isEqualTo(Inotify.IN_CREATE);
            assertThat(events.getString(Abi.inotify_event.sizeof)).isEqualTo("new");
            FILES.inotifyRemoveWatch(inotify, watch);
            assertThatThrownBy(() -> FILES.inotifyRemoveWatch(inotify, watch))
                    .hasMessageContaining("EINVAL");
        }
    }

    @Test
    void onlyOneOpenDescriptionHoldsTheLock() throws ErrnoException {
        create("lock", "");
        try (OwnedFd one = FILES.openat(dir, "lock", Open.O_RDONLY, 0);
                OwnedFd two = FILES.openat(dir, "lock", Open.O_RDONLY, 0)) {
            assertThat(FILES.tryLock(one)).isTrue();
            assertThat(FILES.tryLock(two)).isFalse();
            one.close();
            assertThat(FILES.tryLock(two)).isTrue();
        }
    }

    @Test
    void pipeEndsReportWouldBlockAndEnd() throws ErrnoException {
        OwnedFd[] pipe = FILES.pipe2(0);
        try (OwnedFd read = pipe[0];
                OwnedFd write = pipe[1];
                Arena arena = Arena.ofConfined()) {
            MemorySegment buffer = arena.allocate(16);
            FILES.setNonBlocking(read, true);
            assertThat(FILES.read(read, buffer)).isEqualTo(-1);
            assertThat(FILES.write(write, buffer.asSlice(0, 3))).isEqualTo(3);
            FILES.setNonBlocking(read, false);
            assertThat(FILES.read(read, buffer)).isEqualTo(3);
            write.close();
            assertThat(FILES.read(read, buffer)).isZero();
        }
    }

    @Test
    void misusedMemoryIsRefusedBeforeTheCall() throws ErrnoException {
        try (OwnedFd event = FILES.eventfd()) {
            assertThatThrownBy(() -> FILES.read(event, MemorySegment.ofArray(new byte[8])))
                    .isInstanceOf(IllegalArgumentException.class);
            Arena arena = Arena.ofConfined();
            MemorySegment closed = arena.allocate(8);
            arena.close();
            assertThatThrownBy(() -> FILES.read(event, closed))
                    .isInstanceOf(IllegalStateException.class);
        }
    }

    @Test
    void openDescriptorsShowALeakAndItsEnd() throws ErrnoException {
        Map<Integer, String> before = FILES.openDescriptors();
        OwnedFd leak = FILES.openat(dir, ".", DIRECTORY, 0);
        Map<Integer, String> during = FILES.openDescriptors();
        assertThat(during).containsEntry(leak.number(), temp.toString());
        leak.close();
        leak.close();
        assertThat(FILES.openDescriptors()).isEqualTo(before);
        assertThatThrownBy(leak::number).isInstanceOf(IllegalStateException.class);
    }

    @Test
    void descriptorsAreCloseOnExec() throws ErrnoException {
        try (OwnedFd fd = FILES.openat(dir, ".", DIRECTORY, 0);
                OwnedFd copy = FILES.duplicate(fd)) {
            assertThat(Descriptors.fcntl(fd, Abi.F_GETFD, 0)).isEqualTo(1);
            assertThat(Descriptors.fcntl(copy, Abi.F_GETFD, 0)).isEqualTo(1);
        }
    }

    @Test
    void fileSystemMagicIsKnown() throws ErrnoException {
        try (OwnedFd proc = FILES.openat(Fd.CWD, "/proc", DIRECTORY, 0)) {
            assertThat(FILES.fstatfsMagic(proc)).isEqualTo(FsMagic.PROC_SUPER_MAGIC);
        }
    }
}
