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

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * Reads what is below the directory of all sandboxes. Tasks write there as they like: links lead nowhere but beneath the same run, and what is no file is not opened for reading.
 *
 * <p>Thread: the lane for files.
 */
final class SandboxFiles {
    static final int MOST_BYTES = 1 << 20;
    static final int MOST_ENTRIES = 20_000;
    private static final int MOST_TRIES = 16;

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

    /** The names below the root of a path that is either one of this host or begins at the root. Dots are resolved as text. */
    List<String> below(String path) throws AgentException {
        ArrayDeque<String> names = new ArrayDeque<>();
        for (String name : path.split("/")) {
            switch (name) {
                case "", "." -> {}
                case ".." -> names.pollLast();
                default -> names.add(name);
            }
        }
        List<String> inside = List.copyOf(names);
        List<String> top = Stream.of(root.toString().split("/")).filter(n -> !n.isEmpty()).toList();
        if (inside.size() >= top.size() && inside.subList(0, top.size()).equals(top)) {
            inside = inside.subList(top.size(), inside.size());
        }
        // A name with a NUL is no file's.
        if (inside.size() < 2
                || !inside.getFirst().equals("frameworks")
                || path.indexOf('\0') >= 0) {
            throw notThere(path);
        }
        return inside;
    }

    /** The directory of a run by its real name, since "latest" is a link; empty when the path does not reach so far. */
    Optional<Path> sandbox(String path) throws AgentException {
        List<String> inside = below(path);
        if (inside.size() < RUN_NAMES) {
            return Optional.empty();
        }
        try {
            return Optional.of(
                    root.resolve(String.join("/", inside.subList(0, RUN_NAMES))).toRealPath());
        } catch (IOException | InvalidPathException _) {
            // What is not there is told by who reads it.
            return Optional.empty();
        }
    }

    List<Entry> list(String path) throws AgentException {
        List<Entry> out = new ArrayList<>();
        try (OwnedFd directory = open(path, Open.O_RDONLY | Open.O_DIRECTORY)) {
            for (DirEntry entry : entries(directory, path)) {
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

    private List<DirEntry> entries(Fd directory, String path)
            throws AgentException, ErrnoException {
        List<DirEntry> all = new ArrayList<>();
        List<DirEntry> some = linux.files().listSome(directory);
        while (!some.isEmpty()) {
            all.addAll(some);
            if (all.size() > MOST_ENTRIES) {
                throw AgentException.refused(
                        "a list of " + path + ", which has more than " + MOST_ENTRIES + " entries",
                        "read files by their names");
            }
            some = linux.files().listSome(directory);
        }
        return all;
    }

    /** At most {@code length} bytes from {@code offset} on, and never more than 1 MiB. */
    Piece read(String path, long offset, long length) throws AgentException {
        try (OwnedFd place = open(path, Open.O_PATH);
                Arena arena = Arena.ofConfined()) {
            Statx stat =
                    linux.files()
                            .statx(place, "", At.AT_EMPTY_PATH)
                            .orElseThrow(() -> notThere(path));
            if ((stat.mode() & S_IFMT) != S_IFREG) {
                // Opening alone would wake who waits at a pipe, and more of some devices.
                throw AgentException.invalid("not a file: " + path);
            }
            long size = stat.sizeBytes();
            int wanted = Math.clamp(Math.min(length, size - Math.max(0, offset)), 0, MOST_BYTES);
            if (wanted == 0 || offset < 0) {
                return new Piece(size, new byte[0]);
            }
            MemorySegment buffer = arena.allocate(wanted);
            try (OwnedFd file =
                    linux.files()
                            .openat(
                                    Fd.CWD,
                                    "/proc/self/fd/" + place.number(),
                                    Open.O_RDONLY | Open.O_NONBLOCK | Open.O_CLOEXEC,
                                    0)) {
                int filled = fill(file, buffer, offset);
                return new Piece(size, buffer.asSlice(0, filled).toArray(ValueLayout.JAVA_BYTE));
            }
        } catch (ErrnoException e) {
            throw failure(path, e);
        }
    }

    /** Bytes that there were; fewer when the file has become shorter. */
    private int fill(Fd file, MemorySegment buffer, long offset) throws ErrnoException {
        int filled = 0;
        while (filled < buffer.byteSize()) {
            int count = linux.files().pread(file, buffer.asSlice(filled), offset + filled);
            if (count <= 0) {
                break;
            }
            filled += count;
        }
        return filled;
    }

    private OwnedFd open(String path, int flags) throws AgentException, ErrnoException {
        List<String> inside = below(path);
        try (OwnedFd top =
                linux.files()
                        .openat(
                                Fd.CWD,
                                root.toString(),
                                Open.O_PATH | Open.O_DIRECTORY | Open.O_CLOEXEC,
                                0)) {
            if (inside.size() <= RUN_NAMES) {
                return open(top, inside, flags);
            }
            // Down to here only the agent writes; "latest" is a link.
            try (OwnedFd run =
                    open(top, inside.subList(0, RUN_NAMES), Open.O_PATH | Open.O_DIRECTORY)) {
                return open(run, inside.subList(RUN_NAMES, inside.size()), flags);
            }
        }
    }

    /** Links lead nowhere but beneath {@code directory}. */
    private OwnedFd open(Fd directory, List<String> names, int flags) throws ErrnoException {
        OpenHow how =
                new OpenHow(
                        flags | Open.O_CLOEXEC,
                        0,
                        Resolve.RESOLVE_BENEATH | Resolve.RESOLVE_NO_MAGICLINKS);
        String path = String.join("/", names);
        for (int i = 1; ; i++) {
            try {
                return linux.files().openat2(directory, path, how);
            } catch (ErrnoException e) {
                // Something was renamed meanwhile, and the kernel is not sure where a link's ".."
                // leads.
                if (e.errno() != Errno.EAGAIN || i == MOST_TRIES) {
                    throw e;
                }
            }
        }
    }

    private static AgentException notThere(String path) {
        return AgentException.notFound("no such file: " + path);
    }

    private static AgentException failure(String path, ErrnoException e) {
        return switch (e.errno()) {
            case ENOENT, ENOTDIR, ELOOP, EXDEV, ENAMETOOLONG, EAGAIN -> notThere(path);
            default -> AgentException.failed("read " + path, e);
        };
    }
}
