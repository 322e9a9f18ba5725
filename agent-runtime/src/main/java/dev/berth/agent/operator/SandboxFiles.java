package dev.berth.agent.operator;

import dev.berth.agent.config.AgentException;
import dev.berth.linux.At;
import dev.berth.linux.DirEntry;
import dev.berth.linux.Errno;
import dev.berth.linux.ErrnoException;
import dev.berth.linux.Fd;
import dev.berth.linux.Linux;
import dev.berth.linux.Open;
import dev.berth.linux.OpenHow;
import dev.berth.linux.OwnedFd;
import dev.berth.linux.Resolve;
import dev.berth.linux.Statx;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * Reads what is below the directory of all sandboxes. Tasks write there as they like: links lead nowhere but beneath the same run, and what is no file is not opened for reading.
 *
 * <p>Thread: the lane for files.
 */
final class SandboxFiles {
    static final int MOST_BYTES = 1 << 20;

    /** Of {@code frameworks/F/executors/E/runs/R}. */
    private static final int RUN_NAMES = 6;

    private static final int S_IFMT = 0170000;
    private static final int S_IFREG = 0100000;
    private static final int S_IFDIR = 0040000;

    private final Linux linux;
    private final Path root;

    SandboxFiles(Linux linux, Path root) {
        this.linux = linux;
        this.root = root;
    }

    /** One entry; {@code path} as it was asked for. */
    record Entry(String path, Statx stat) {
        boolean isDirectory() {
            return (stat.mode() & S_IFMT) == S_IFDIR;
        }
    }

    /** A piece of a file. */
    record Piece(long sizeBytes, byte[] data) {}

    /** The part below the root of a path that is either one of this host or begins at the root. */
    Path below(String path) throws AgentException {
        Path asked = Path.of("/", path).normalize();
        Path inside =
                asked.startsWith(root) ? root.relativize(asked) : Path.of("/").relativize(asked);
        if (inside.getNameCount() < 2 || !inside.startsWith("frameworks")) {
            throw AgentException.notFound("no such file: " + path);
        }
        return inside;
    }

    List<Entry> list(String path) throws AgentException {
        List<Entry> out = new ArrayList<>();
        try (OwnedFd directory = open(path, Open.O_RDONLY | Open.O_DIRECTORY)) {
            for (DirEntry entry : linux.files().list(directory)) {
                if (entry.name().equals(".") || entry.name().equals("..")) {
                    continue;
                }
                linux.files()
                        .statx(directory, entry.name(), At.AT_SYMLINK_NOFOLLOW)
                        .ifPresent(stat ->
                                out.add(
                                        new Entry(
                                                path.replaceAll("/+$", "") + "/" + entry.name(),
                                                stat)));
            }
        } catch (ErrnoException e) {
            throw failure(path, e);
        }
        out.sort(Comparator.comparing(Entry::path));
        return out;
    }

    /** At most {@code length} bytes from {@code offset} on, and never more than 1 MiB. */
    Piece read(String path, long offset, long length) throws AgentException {
        try (OwnedFd file = open(path, Open.O_RDONLY);
                Arena arena = Arena.ofConfined()) {
            Statx stat =
                    linux.files()
                            .statx(file, "", At.AT_EMPTY_PATH)
                            .orElseThrow(() -> AgentException.notFound("no such file: " + path));
            if ((stat.mode() & S_IFMT) != S_IFREG) {
                throw AgentException.invalid("not a file: " + path);
            }
            long size = stat.sizeBytes();
            int wanted = Math.clamp(Math.min(length, size - Math.max(0, offset)), 0, MOST_BYTES);
            if (wanted == 0 || offset < 0) {
                return new Piece(size, new byte[0]);
            }
            MemorySegment buffer = arena.allocate(wanted);
            int filled = 0;
            while (filled < wanted) {
                int count = linux.files().pread(file, buffer.asSlice(filled), offset + filled);
                if (count <= 0) {
                    break;
                }
                filled += count;
            }
            return new Piece(size, buffer.asSlice(0, filled).toArray(ValueLayout.JAVA_BYTE));
        } catch (ErrnoException e) {
            throw failure(path, e);
        }
    }

    private OwnedFd open(String path, int flags) throws AgentException, ErrnoException {
        Path inside = below(path);
        try (OwnedFd top =
                linux.files()
                        .openat(
                                Fd.CWD,
                                root.toString(),
                                Open.O_PATH | Open.O_DIRECTORY | Open.O_CLOEXEC,
                                0)) {
            int contents = flags | Open.O_NONBLOCK | Open.O_NOCTTY;
            if (inside.getNameCount() <= RUN_NAMES) {
                return open(top, inside, contents);
            }
            // Down to here only the agent writes; "latest" is a link.
            try (OwnedFd run =
                    open(top, inside.subpath(0, RUN_NAMES), Open.O_PATH | Open.O_DIRECTORY)) {
                return open(run, inside.subpath(RUN_NAMES, inside.getNameCount()), contents);
            }
        }
    }

    /** Links lead nowhere but beneath {@code directory}. */
    private OwnedFd open(Fd directory, Path name, int flags) throws ErrnoException {
        return linux.files()
                .openat2(
                        directory,
                        name.toString(),
                        new OpenHow(
                                flags | Open.O_CLOEXEC,
                                0,
                                Resolve.RESOLVE_BENEATH | Resolve.RESOLVE_NO_MAGICLINKS));
    }

    private static AgentException failure(String path, ErrnoException e) {
        return e.errno() == Errno.ENOENT
                        || e.errno() == Errno.ENOTDIR
                        || e.errno() == Errno.ELOOP
                        || e.errno() == Errno.EXDEV
                ? AgentException.notFound("no such file: " + path)
                : AgentException.failed("read " + path, e);
    }
}
