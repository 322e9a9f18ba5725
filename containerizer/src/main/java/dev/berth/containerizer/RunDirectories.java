package dev.berth.containerizer;

import dev.berth.isolator.ContainerId;
import dev.berth.linux.At;
import dev.berth.linux.DirEntry;
import dev.berth.linux.ErrnoException;
import dev.berth.linux.Fd;
import dev.berth.linux.Linux;
import dev.berth.linux.Open;
import dev.berth.linux.OwnedFd;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * The directories of containers: {@code EXEC-ROOT/c/ID} (0700) has the monitor's socket and the exit records of one run, {@code DATA-ROOT/containers/ID/log} the log of all runs, {@code DATA-ROOT/containers/ID/files} the generated
 * files. Both roots are ours alone, held by a lock.
 *
 * <p>Thread: conductor, except {@link #removeData} (file lane).
 */
final class RunDirectories implements AutoCloseable {
    static final String SOCKET = "monitor.sock";
    static final String RECORD = "exit";
    private static final String EXEC_PREFIX = "exec-";
    private static final int EXEC_NAME_DIGITS = 40;
    private static final int RECORD_LIMIT_BYTES = 4096;
    private static final int DIRECTORY = Open.O_DIRECTORY | Open.O_NOFOLLOW;

    private static final int DT_DIR = 4;

    private final Linux linux;
    private final Path dataRoot;
    private final Path execRoot;
    private final List<OwnedFd> owned = new ArrayList<>();
    private final OwnedFd exec;
    private final OwnedFd runs;
    private final OwnedFd data;

    RunDirectories(Linux linux, Path dataRoot, Path execRoot)
            throws ErrnoException, ContainerizerException {
        this.linux = linux;
        this.dataRoot = dataRoot;
        this.execRoot = execRoot;
        try {
            OwnedFd dataDir = keep(root(dataRoot));
            exec = keep(root(execRoot));
            lock(dataDir, dataRoot);
            lock(exec, execRoot);
            linux.files().mkdirat(exec, "c", 0700);
            runs = keep(linux.files().openat(exec, "c", DIRECTORY, 0));
            linux.files().mkdirat(dataDir, "containers", 0700);
            data = keep(linux.files().openat(dataDir, "containers", DIRECTORY, 0));
        } catch (ErrnoException | ContainerizerException e) {
            close();
            throw e;
        }
    }

    private OwnedFd keep(OwnedFd fd) {
        owned.add(fd);
        return fd;
    }

    private OwnedFd root(Path path) throws ErrnoException {
        Path at = path.getRoot();
        for (Path name : path.toAbsolutePath()) {
            at = at == null ? name : at.resolve(name);
            linux.files().mkdirat(Fd.CWD, at.toString(), 0700);
        }
        return linux.files().openat(Fd.CWD, path.toString(), Open.O_DIRECTORY, 0);
    }

    private void lock(Fd root, Path path) throws ErrnoException, ContainerizerException {
        OwnedFd lock = keep(linux.files().openat(root, "lock", Open.O_RDWR | Open.O_CREAT, 0600));
        if (!linux.files().tryLock(lock)) {
            throw new ContainerizerException(
                    "another agent holds "
                            + path
                            + ": stop it, or give this one a data-root and an exec-root of its own");
        }
    }

    Path execRoot() {
        return execRoot;
    }

    /** Directory of {@code EXEC-ROOT} itself. */
    Fd exec() {
        return exec;
    }

    /** The directory of a run, made when missing. */
    OwnedFd makeRun(ContainerId id) throws ErrnoException {
        linux.files().mkdirat(runs, id.value(), 0700);
        return linux.files().openat(runs, id.value(), DIRECTORY, 0);
    }

    Optional<OwnedFd> openRun(ContainerId id) throws ErrnoException {
        return open(runs, id.value());
    }

    private Optional<OwnedFd> open(Fd parent, String name) throws ErrnoException {
        return linux.files().statx(parent, name, At.AT_SYMLINK_NOFOLLOW).isEmpty()
                ? Optional.empty()
                : Optional.of(linux.files().openat(parent, name, DIRECTORY, 0));
    }

    /** The log directory, made when missing. */
    OwnedFd makeLog(ContainerId id) throws ErrnoException {
        linux.files().mkdirat(data, id.value(), 0700);
        linux.files().mkdirat(data, id.value() + "/log", 0700);
        return linux.files().openat(data, id.value() + "/log", DIRECTORY, 0);
    }

    Path log(ContainerId id) {
        return dataRoot.resolve("containers").resolve(id.value()).resolve("log");
    }

    /** A generated file's path. */
    Path file(ContainerId id, String name) {
        return dataRoot.resolve("containers").resolve(id.value()).resolve("files").resolve(name);
    }

    /** The runs that have a directory. */
    List<ContainerId> presentRuns() throws ErrnoException {
        List<ContainerId> found = new ArrayList<>();
        for (DirEntry entry : linux.files().list(runs)) {
            if (entry.name().length() == 64) {
                found.add(new ContainerId(entry.name()));
            }
        }
        return found;
    }

    static String execSocket(String exec) {
        return EXEC_PREFIX + head(exec) + ".sock";
    }

    static String execRecord(String exec) {
        return EXEC_PREFIX + head(exec) + ".exit";
    }

    private static String head(String exec) {
        return exec.length() <= EXEC_NAME_DIGITS ? exec : exec.substring(0, EXEC_NAME_DIGITS);
    }

    /** The exit record of that name, if the monitor has written one. */
    Optional<ExitRecord> record(Fd run, String name) throws ErrnoException {
        if (linux.files().statx(run, name, At.AT_SYMLINK_NOFOLLOW).isEmpty()) {
            return Optional.empty();
        }
        return ExitRecord.parse(linux.files().readFile(run, name, RECORD_LIMIT_BYTES));
    }

    void removeName(Fd run, String name) throws ErrnoException {
        linux.files().unlinkat(run, name, 0);
    }

    /** Removes a run's directory with all that monitors left in it; nothing else is ever put there. */
    void removeRun(ContainerId id) throws ErrnoException {
        removeTree(runs, id.value());
    }

    /** Removes the log and the generated files. */
    void removeData(ContainerId id) throws ErrnoException {
        removeTree(data, id.value());
    }

    // Both trees are written by monitors and the agent only, and nothing is mounted in them.
    private void removeTree(Fd parent, String name) throws ErrnoException {
        Optional<OwnedFd> opened = open(parent, name);
        if (opened.isEmpty()) {
            return;
        }
        try (OwnedFd directory = opened.get()) {
            for (DirEntry entry : linux.files().list(directory)) {
                if (entry.type() == DT_DIR) {
                    removeTree(directory, entry.name());
                } else {
                    linux.files().unlinkat(directory, entry.name(), 0);
                }
            }
        }
        linux.files().unlinkat(parent, name, At.AT_REMOVEDIR);
    }

    /** Writes a small file in {@code EXEC-ROOT}. */
    void note(String name, String text) throws ErrnoException {
        try (OwnedFd file =
                linux.files()
                        .openat(exec, name, Open.O_WRONLY | Open.O_CREAT | Open.O_TRUNC, 0600)) {
            linux.files().writeAll(file, text.getBytes(StandardCharsets.US_ASCII));
        }
    }

    /** What {@link #note} wrote; empty when there is none. */
    String noted(String name) throws ErrnoException {
        if (linux.files().statx(exec, name, At.AT_SYMLINK_NOFOLLOW).isEmpty()) {
            return "";
        }
        return new String(
                linux.files().readFile(exec, name, RECORD_LIMIT_BYTES), StandardCharsets.US_ASCII);
    }

    @Override
    public void close() {
        owned.reversed().forEach(OwnedFd::close);
        owned.clear();
    }
}
