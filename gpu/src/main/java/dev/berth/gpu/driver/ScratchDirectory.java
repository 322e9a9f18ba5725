package dev.berth.gpu.driver;

import dev.berth.linux.At;
import dev.berth.linux.Errno;
import dev.berth.linux.ErrnoException;
import dev.berth.linux.Fd;
import dev.berth.linux.Files;
import dev.berth.linux.Open;
import dev.berth.linux.OwnedFd;
import dev.berth.linux.file.TreeRemoval;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;

/**
 * Directories whose name says what is in them: made whole or not at all, never changed, and never removed while the agent's exec-root stands, since containers may have them mounted. A few kilobytes for each distinct
 * content.
 *
 * <p>Thread: any.
 */
final class ScratchDirectory {
    private final Files files;
    private final Path home;

    /** @param home exists, and nobody else writes there */
    ScratchDirectory(Files files, Path home) {
        this.files = files;
        this.home = home;
    }

    /** Fills a new directory through its descriptor. */
    @FunctionalInterface
    interface Filler {
        void fill(Fd directory) throws ErrnoException;
    }

    /** A name for content that is described by {@code parts}. */
    static String name(String prefix, List<String> parts) {
        try {
            MessageDigest sha = MessageDigest.getInstance("SHA-256");
            for (String part : parts) {
                byte[] bytes = part.getBytes(StandardCharsets.UTF_8);
                sha.update((bytes.length + ":").getBytes(StandardCharsets.US_ASCII));
                sha.update(bytes);
            }
            return prefix + "-" + HexFormat.of().formatHex(sha.digest(), 0, 12);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JDK has SHA-256", e);
        }
    }

    /** The directory of that name; filled first where it is missing. */
    Path make(String name, Filler filler) throws ErrnoException {
        Path directory = home.resolve(name);
        if (files.statx(Fd.CWD, directory.toString(), At.AT_SYMLINK_NOFOLLOW).isPresent()) {
            return directory;
        }
        Path begun = home.resolve(name + "." + Long.toHexString(System.nanoTime()));
        try {
            files.mkdirat(Fd.CWD, begun.toString(), 0755);
            try (OwnedFd top =
                    files.openat(Fd.CWD, begun.toString(), Open.O_PATH | Open.O_DIRECTORY, 0)) {
                filler.fill(top);
            }
            files.renameat2(
                    Fd.CWD, begun.toString(), Fd.CWD, directory.toString(), At.RENAME_NOREPLACE);
        } catch (ErrnoException e) {
            new TreeRemoval(files).remove(Fd.CWD, begun.toString());
            if (e.errno() != Errno.EEXIST) {
                throw e;
            }
        }
        return directory;
    }

    static void file(Files files, Fd directory, String path, String text) throws ErrnoException {
        int flags = Open.O_WRONLY | Open.O_CREAT | Open.O_EXCL;
        try (OwnedFd out = files.openat(directory, path, flags, 0444)) {
            files.writeAll(out, text.getBytes(StandardCharsets.UTF_8));
        }
    }

    /** All directories above {@code path}. */
    static void parents(Files files, Fd directory, String path) throws ErrnoException {
        for (int slash = path.indexOf('/'); slash > 0; slash = path.indexOf('/', slash + 1)) {
            files.mkdirat(directory, path.substring(0, slash), 0755);
        }
    }
}
