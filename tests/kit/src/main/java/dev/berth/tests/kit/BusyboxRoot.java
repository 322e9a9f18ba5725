package dev.berth.tests.kit;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** A root directory with Debian's static busybox as its only program, under the names that tests use. */
public final class BusyboxRoot {
    private static final List<String> NAMES =
            List.of(
                    "sh",
                    "true",
                    "false",
                    "echo",
                    "cat",
                    "dd",
                    "sleep",
                    "ls",
                    "mount",
                    "mknod",
                    "id",
                    "hostname",
                    "ps",
                    "kill",
                    "timeout",
                    "yes",
                    "head",
                    "env",
                    "pwd",
                    "touch",
                    "rm",
                    "mkdir",
                    "ln",
                    "stat",
                    "wc",
                    "seq",
                    "umount",
                    "unshare",
                    "readlink",
                    "test",
                    "grep",
                    "usleep",
                    "stty",
                    "tty",
                    "printf",
                    "nc",
                    "chroot");

    private BusyboxRoot() {}

    /** Makes it in {@code directory}, which should not exist. */
    public static Path make(Path directory) throws IOException {
        for (String name : List.of("bin", "etc", "tmp", "root", "proc", "sys", "dev", "mnt")) {
            Files.createDirectories(directory.resolve(name));
        }
        Files.copy(Path.of("/bin/busybox"), directory.resolve("bin/busybox"));
        directory.resolve("bin/busybox").toFile().setExecutable(true, false);
        for (String name : NAMES) {
            Files.createSymbolicLink(directory.resolve("bin").resolve(name), Path.of("busybox"));
        }
        Files.writeString(
                directory.resolve("etc/passwd"),
                "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/sh\n");
        Files.writeString(
                directory.resolve("etc/group"), "root:x:0:\nnogroup:x:65534:\nvideo:x:44:nobody\n");
        return directory;
    }
}
