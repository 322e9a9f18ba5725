package dev.berth.agent.tasks;

import dev.berth.agent.config.AgentException;
import dev.berth.containerizer.log.ContainerLog;
import dev.berth.containerizer.log.LogFrame;
import dev.berth.containerizer.log.LogPosition;
import dev.berth.containerizer.log.LogStream;
import dev.berth.linux.At;
import dev.berth.linux.ErrnoException;
import dev.berth.linux.Fd;
import dev.berth.linux.Linux;
import dev.berth.linux.Open;
import dev.berth.linux.OpenHow;
import dev.berth.linux.OwnedFd;
import dev.berth.linux.Resolve;
import dev.berth.linux.Statx;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Optional;

/**
 * Copies a container's framed log into {@code stdout} and {@code stderr} of a sandbox, from where the copy before ended. The sandbox is the task's: what it puts in the place of these files is never followed.
 *
 * <p>Thread: the lane for files, one at a time for one task.
 */
final class TaskOutput {
    private static final int STEP_BYTES = 256 * 1024;

    /** Of one turn on the lane. */
    private static final int MOST_STEPS = 16;

    private static final int NO_MODE = 0;

    private TaskOutput() {}

    /** How far the log has been copied, and how long the copies are. */
    private record Mark(LogPosition position, long out, long err) {
        static Mark read(Path file) throws IOException {
            if (!Files.exists(file)) {
                return new Mark(LogPosition.BEGIN, 0, 0);
            }
            String[] words = Files.readString(file).strip().split(" ", -1);
            return new Mark(
                    new LogPosition(Long.parseLong(words[0]), Long.parseLong(words[1])),
                    Long.parseLong(words[2]),
                    Long.parseLong(words[3]));
        }

        void write(Path file) throws IOException {
            Path fresh = file.resolveSibling(file.getFileName() + ".new");
            Files.writeString(
                    fresh,
                    position.sequence() + " " + position.offset() + " " + out + " " + err + "\n");
            Files.move(
                    fresh,
                    file,
                    StandardCopyOption.ATOMIC_MOVE,
                    StandardCopyOption.REPLACE_EXISTING);
        }
    }

    /**
     * Copies what has come since, for a while: a task that never stops writing keeps the lane from nobody.
     *
     * @param until how far; empty: to where the log ends now
     * @return how far it was to go when that is farther; empty when it is done
     */
    static Optional<LogPosition> copy(
            Linux linux, Path log, Path sandbox, Path markFile, Optional<LogPosition> until)
            throws AgentException {
        try (ContainerLog reader = ContainerLog.open(log)) {
            LogPosition end = until.isPresent() ? until.get() : reader.end();
            Mark mark = Mark.read(markFile);
            boolean fresh = !Files.exists(markFile);
            for (int step = 0; step < MOST_STEPS; step++) {
                ByteArrayOutputStream out = new ByteArrayOutputStream();
                ByteArrayOutputStream err = new ByteArrayOutputStream();
                LogPosition next =
                        reader.read(
                                mark.position(),
                                STEP_BYTES,
                                frame ->
                                        take(
                                                frame,
                                                frame.stream() == LogStream.STDERR ? err : out));
                boolean nothing = next.equals(mark.position());
                if (nothing && !fresh) {
                    return Optional.empty();
                }
                append(linux, sandbox, "stdout", mark.out(), out.toByteArray(), fresh);
                append(linux, sandbox, "stderr", mark.err(), err.toByteArray(), fresh);
                fresh = false;
                mark = new Mark(next, mark.out() + out.size(), mark.err() + err.size());
                mark.write(markFile);
                if (nothing || next.compareTo(end) >= 0) {
                    return Optional.empty();
                }
            }
            return Optional.of(end);
        } catch (IOException | ErrnoException | NumberFormatException e) {
            throw AgentException.failed("copy output into " + sandbox, e);
        }
    }

    private static void take(LogFrame frame, ByteArrayOutputStream to) {
        if (frame.stream() != LogStream.END_OF_RUN) {
            to.writeBytes(frame.bytes());
        }
    }

    private static void append(
            Linux linux, Path sandbox, String name, long at, byte[] bytes, boolean make)
            throws ErrnoException, IOException {
        if (bytes.length == 0 && !make) {
            return;
        }
        try {
            write(linux, sandbox, name, at, bytes);
        } catch (ErrnoException e) {
            switch (e.errno()) {
                // The task has put something else in its place: that is its own affair, and nothing
                // to
                // tell of every second.
                case ELOOP, ENXIO, EISDIR, EXDEV -> {}
                default -> throw e;
            }
        }
    }

    private static void write(Linux linux, Path sandbox, String name, long at, byte[] bytes)
            throws ErrnoException, IOException {
        try (OwnedFd directory =
                        linux.files()
                                .openat(
                                        Fd.CWD,
                                        sandbox.toString(),
                                        Open.O_PATH | Open.O_DIRECTORY | Open.O_CLOEXEC,
                                        NO_MODE);
                OwnedFd file =
                        linux.files()
                                .openat2(
                                        directory,
                                        name,
                                        // Without waiting: a FIFO in its place must not stop us.
                                        new OpenHow(
                                                Open.O_WRONLY
                                                        | Open.O_CREAT
                                                        | Open.O_NONBLOCK
                                                        | Open.O_NOFOLLOW
                                                        | Open.O_CLOEXEC,
                                                0644,
                                                Resolve.RESOLVE_BENEATH
                                                        | Resolve.RESOLVE_NO_SYMLINKS))) {
            Statx stat =
                    linux.files()
                            .statx(file, "", At.AT_EMPTY_PATH)
                            .orElseThrow(() -> new IOException("no status of " + name));
            if ((stat.mode() & 0170000) != 0100000) {
                return;
            }
            linux.files().ftruncate(file, at);
            linux.files().lseek(file, at, 0);
            linux.files().writeAll(file, bytes);
        }
    }

    /** Makes the directories of a task, its sandbox with both files empty. */
    static void begin(TaskEntry entry, TaskPaths paths) throws AgentException {
        try {
            Path sandbox = paths.sandbox(entry);
            makeDirectories(sandbox);
            Files.createDirectories(paths.position(entry.container).getParent());
            TaskVolumes.checkSources(entry, paths);
            for (Path directory : TaskVolumes.directories(entry, paths)) {
                Files.createDirectories(directory);
            }
            for (String name : new String[] {"stdout", "stderr"}) {
                make(sandbox.resolve(name));
            }
            latest(paths.run(entry), entry.container);
        } catch (IOException e) {
            throw AgentException.failed("make the sandbox of " + entry.key(), e);
        }
    }

    /** A task that is launched again, since its start was not written down, may have put anything in its place: that is not followed. */
    private static void make(Path file) throws IOException {
        try {
            Files.createFile(file);
        } catch (FileAlreadyExistsException _) {
            // As it should be.
        }
    }

    /** The collector of sandboxes may just have removed an empty directory above. */
    private static void makeDirectories(Path sandbox) throws IOException {
        for (int left = 10; ; left--) {
            try {
                Files.createDirectories(sandbox);
                return;
            } catch (NoSuchFileException e) {
                if (left == 0) {
                    throw e;
                }
            }
        }
    }

    /** Tasks of one group do this at the same time: {@code unique} is the task's own. */
    static void latest(Path run, String unique) throws IOException {
        Path fresh = run.resolveSibling("latest." + unique);
        Files.deleteIfExists(fresh);
        Files.createSymbolicLink(fresh, run.getFileName());
        Files.move(
                fresh,
                run.resolveSibling("latest"),
                StandardCopyOption.ATOMIC_MOVE,
                StandardCopyOption.REPLACE_EXISTING);
    }

    /** Gives the sandbox to the task's user, and what of it is a volume, as Mesos does. What tasks share is the first one's. */
    static void own(Linux linux, TaskEntry entry, TaskPaths paths, int uid, int gid)
            throws AgentException {
        Path sandbox = paths.sandbox(entry);
        try {
            for (String name : new String[] {"", "/stdout", "/stderr"}) {
                linux.files().fchownat(Fd.CWD, sandbox + name, uid, gid, At.AT_SYMLINK_NOFOLLOW);
            }
            for (Path directory : TaskVolumes.directories(entry, paths)) {
                own(linux, paths.run(entry), directory, uid, gid);
            }
        } catch (ErrnoException e) {
            throw AgentException.failed("give " + sandbox + " to user " + uid, e);
        }
    }

    /** Others of the group may run already: no link of theirs is followed. */
    private static void own(Linux linux, Path run, Path directory, int uid, int gid)
            throws ErrnoException {
        OpenHow how =
                new OpenHow(
                        Open.O_PATH | Open.O_DIRECTORY | Open.O_CLOEXEC,
                        NO_MODE,
                        Resolve.RESOLVE_BENEATH | Resolve.RESOLVE_NO_SYMLINKS);
        try (OwnedFd root = linux.files().openat(Fd.CWD, run.toString(), (int) how.flags(), 0);
                OwnedFd own =
                        linux.files().openat2(root, run.relativize(directory).toString(), how)) {
            if (linux.files().statx(own, "", At.AT_EMPTY_PATH).map(Statx::uid).orElse(0) == 0) {
                linux.files().fchownat(own, "", uid, gid, At.AT_EMPTY_PATH);
            }
        } catch (ErrnoException e) {
            switch (e.errno()) {
                case ELOOP, ENOTDIR, ENOENT, EXDEV -> {}
                default -> throw e;
            }
        }
    }
}
