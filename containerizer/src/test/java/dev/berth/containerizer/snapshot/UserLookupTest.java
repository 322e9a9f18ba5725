package dev.berth.containerizer.snapshot;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.berth.linux.Fd;
import dev.berth.linux.FileMode;
import dev.berth.linux.Linux;
import dev.berth.linux.Open;
import dev.berth.linux.OwnedFd;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;

class UserLookupTest {
    private static final String PASSWD =
            """
            root:x:0:0:root:/root:/bin/sh
            # a comment
            broken:x:zero:0::/:
            short:x:5
            daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin
            app:x:1000:1001:App,,,:/home/app:/bin/sh
            homeless:x:1002:1002:::
            relative:x:1003:1003::not/absolute:
            large:x:4294967294:4294967294::/large:
            none:x:4294967295:0::/:
            1234:x:0:0:a number that is not its name:/root:/bin/sh
            """;
    private static final String GROUP =
            """
            root:x:0:
            daemon:x:1:
            staff:x:50:app,daemon
            app:x:1001:
            wheel:x:10:root,app
            empty:x:70:
            4321:x:0:
            """;

    @TempDir Path root;

    @BeforeEach
    void files() throws Exception {
        Files.createDirectory(root.resolve("etc"));
        Files.writeString(root.resolve("etc/passwd"), PASSWD);
        Files.writeString(root.resolve("etc/group"), GROUP);
    }

    private ContainerUser resolve(String user, String... extra) throws Exception {
        try (OwnedFd directory =
                Linux.host()
                        .files()
                        .openat(Fd.CWD, root.toString(), Open.O_PATH | Open.O_DIRECTORY, 0)) {
            return UserLookup.resolve(Linux.host().files(), directory, user, List.of(extra));
        }
    }

    @ParameterizedTest
    @CsvSource({
        "'',0,0,10,/root",
        "root,0,0,10,/root",
        "0,0,0,10,/root",
        "app,1000,1001,10 50,/home/app",
        "1000,1000,1001,10 50,/home/app",
        "app:staff,1000,50,'',/home/app",
        "app:70,1000,70,'',/home/app",
        "1000:staff,1000,50,'',/home/app",
        "1000:1000,1000,1000,'',/home/app",
        "0:0,0,0,'',/root",
        "777,777,0,'',/",
        "777:50,777,50,'',/",
        "777:staff,777,50,'',/",
        "homeless,1002,1002,'',/",
        "relative,1003,1003,'',/",
        "1234,1234,0,'',/",
        "1000:4321,1000,4321,'',/home/app",
        "0000,0,0,10,/root",
    })
    void theSixForms(String user, int uid, int gid, String groups, String home) throws Exception {
        ContainerUser found = resolve(user);
        assertThat(found.uid()).isEqualTo(uid);
        assertThat(found.gid()).isEqualTo(gid);
        assertThat(String.join(" ", found.groups().stream().map(String::valueOf).toList()))
                .isEqualTo(groups);
        assertThat(found.home()).isEqualTo(home);
    }

    @Test
    void largestIdIsOneLessThanTheKernelsNone() throws Exception {
        assertThat(Integer.toUnsignedString(resolve("large").uid())).isEqualTo("4294967294");
        assertThat(Integer.toUnsignedString(resolve("4294967294").gid())).isEqualTo("4294967294");
        assertThat(Integer.toUnsignedString(resolve("1:4294967294").gid())).isEqualTo("4294967294");
    }

    @Test
    void furtherGroupsByNameAndNumber() throws Exception {
        assertThat(resolve("app", "empty", "5", "staff").groups()).containsExactly(5, 10, 50, 70);
        assertThat(resolve("app:app", "70").groups()).containsExactly(70);
        for (String bad : List.of("", "nobody", "-1", "4294967295", "a:b", "a b")) {
            assertThatThrownBy(() -> resolve("app", bad)).isInstanceOf(SnapshotException.class);
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                ":",
                "0x",
                "0x0",
                "4294967295",
                "4294967296",
                "-1",
                "1:",
                ":1",
                ":root",
                "root:",
                "1:2:3",
                "root:root:root",
                " 0",
                "0 ",
                "\t",
                "+1",
                "1:-1",
                "1:4294967295",
                "99999999999999999999",
                "1.0",
                "1e3",
                "nobody",
                "none",
                "broken",
                "short",
                "\0",
                "root\n",
                "1,2",
                "app:nogroup",
                "٣",
                "root:٣",
                "00000000000"
            })
    void whatIsMalformedOrUnknownIsRefusedAndNeverRoot(String user) {
        assertThatThrownBy(() -> resolve(user)).isInstanceOf(SnapshotException.class);
    }

    @Test
    void randomStringsGiveRootOnlyWhenTheySayRoot() throws Exception {
        Random random = new Random(Long.getLong("berth.seed", 20261122));
        String alphabet = "0123456789-+:xroot ap\t,.\n4294967295";
        for (int i = 0; i < 20_000; i++) {
            StringBuilder user = new StringBuilder();
            for (int n = 1 + random.nextInt(8); n > 0; n--) {
                user.append(alphabet.charAt(random.nextInt(alphabet.length())));
            }
            try {
                ContainerUser found = resolve(user.toString());
                if (found.uid() == 0) {
                    assertThat(user.toString()).matches("(root|0+)(:.+)?");
                }
                if (user.toString().matches("[0-9]+(:.*)?")) {
                    assertThat(Integer.toUnsignedLong(found.uid()))
                            .isEqualTo(Long.parseLong(user.toString().split(":")[0]));
                }
            } catch (SnapshotException e) {
                assertThat(user.toString()).doesNotMatch("0{1,9}(:[0-9]{1,9})?");
            }
        }
    }

    @Test
    void withoutFilesNumbersWorkAndNamesDoNot() throws Exception {
        Files.delete(root.resolve("etc/passwd"));
        Files.delete(root.resolve("etc/group"));
        assertThat(resolve("")).isEqualTo(new ContainerUser(0, 0, List.of(), "/"));
        assertThat(resolve("7:8")).isEqualTo(new ContainerUser(7, 8, List.of(), "/"));
        assertThatThrownBy(() -> resolve("root")).hasMessageContaining("/etc/passwd");
        assertThatThrownBy(() -> resolve("7:staff")).hasMessageContaining("/etc/group");
        Files.delete(root.resolve("etc"));
        assertThat(resolve("7")).isEqualTo(new ContainerUser(7, 0, List.of(), "/"));
    }

    /** Facts 4, item 27: a link out, a FIFO, and far too much. */
    @Test
    void hostilePasswdNeitherBlocksNorEscapes() throws Exception {
        Path passwd = root.resolve("etc/passwd");
        Files.delete(passwd);
        Files.createSymbolicLink(passwd, Path.of("/etc/passwd"));
        assertHostile();
        Files.delete(passwd);
        Files.createSymbolicLink(passwd, Path.of("../../../../../../etc/passwd"));
        assertHostile();
        Files.delete(passwd);
        Linux.host().files().mknodat(Fd.CWD, passwd.toString(), FileMode.S_IFIFO | 0644, 0);
        assertHostile();
        Files.delete(passwd);
        try (RandomAccessFile sparse = new RandomAccessFile(passwd.toFile(), "rw")) {
            sparse.setLength(10L << 30);
        }
        assertHostile();
        Files.delete(passwd);
        Files.createDirectory(passwd);
        assertHostile();
    }

    private void assertHostile() throws Exception {
        assertThat(resolve("1000")).isEqualTo(new ContainerUser(1000, 0, List.of(), "/"));
        assertThatThrownBy(() -> resolve("root")).isInstanceOf(SnapshotException.class);
        assertThatThrownBy(() -> resolve("daemon")).isInstanceOf(SnapshotException.class);
    }

    @Test
    void etcThatIsALinkStaysInside() throws Exception {
        Files.move(root.resolve("etc"), root.resolve("real"));
        Files.createSymbolicLink(root.resolve("etc"), Path.of("/real"));
        assertThat(resolve("app").uid()).isEqualTo(1000);
    }
}
