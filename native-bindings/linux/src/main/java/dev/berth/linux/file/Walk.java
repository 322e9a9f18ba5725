package dev.berth.linux.file;

import dev.berth.linux.At;
import dev.berth.linux.Errno;
import dev.berth.linux.ErrnoException;
import dev.berth.linux.Fd;
import dev.berth.linux.Files;
import dev.berth.linux.Open;
import dev.berth.linux.OwnedFd;
import dev.berth.linux.Statx;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Optional;

/**
 * One walk below a root that makes what is missing: openat2(2) cannot, and it cannot follow a link whose target is still to be made. Each step is taken from a held descriptor and
 * follows nothing; links are read and their text is walked, beginning at the root when absolute; {@code ..} goes back to the descriptor that the walk came from.
 */
final class Walk {
    private static final int MAX_LINKS = 40;
    private static final int MAX_DEPTH = 512;

    /** Enough for every rename that happens by chance, few enough that an attacker's renames end in an error. */
    private static final int MAX_RACES = 100;

    private static final int STEP = Open.O_PATH | Open.O_NOFOLLOW;

    private final Files files;
    private final Fd root;
    private final String path;
    private final Deque<String> ahead = new ArrayDeque<>();
    private final List<OwnedFd> held = new ArrayList<>();
    private int links;
    private int races;

    Walk(Files files, Fd root, String path) {
        this.files = files;
        this.root = root;
        this.path = path;
        push(path);
    }

    private void push(String text) {
        String[] parts = text.split("/");
        for (int i = parts.length - 1; i >= 0; i--) {
            if (!parts[i].isEmpty() && !parts[i].equals(".")) {
                ahead.push(parts[i]);
            }
        }
    }

    private Fd here() {
        return held.isEmpty() ? root : held.getLast();
    }

    OwnedFd directories(int mode, int uid, int gid) throws ErrnoException {
        try {
            while (!ahead.isEmpty()) {
                step(mode, uid, gid);
            }
            return held.isEmpty() ? files.openat(root, ".", Open.O_PATH, 0) : held.removeLast();
        } finally {
            held.forEach(OwnedFd::close);
        }
    }

    OwnedFd file(int mode, int uid, int gid) throws ErrnoException {
        if (path.endsWith("/")) {
            throw new ErrnoException("openat", Errno.EISDIR, path);
        }
        try {
            while (!ahead.isEmpty()) {
                if (ahead.size() > 1 || ahead.getFirst().equals("..")) {
                    step(0755, uid, gid);
                    continue;
                }
                String name = ahead.pop();
                var found = entry(name);
                if (found.isPresent()) {
                    OwnedFd fd = found.get();
                    if (!followed(fd)) {
                        return fd;
                    }
                    continue;
                }
                int flags = Open.O_WRONLY | Open.O_CREAT | Open.O_EXCL | Open.O_NOFOLLOW;
                try (OwnedFd made = files.openat(here(), name, flags, 0600)) {
                    files.fchownat(made, "", uid, gid, At.AT_EMPTY_PATH);
                    files.fchmod(made, mode);
                    return files.openat(Fd.CWD, "/proc/self/fd/" + made.number(), Open.O_PATH, 0);
                } catch (ErrnoException e) {
                    again(name, e);
                }
            }
            return held.isEmpty() ? files.openat(root, ".", Open.O_PATH, 0) : held.removeLast();
        } finally {
            held.forEach(OwnedFd::close);
        }
    }

    /** Goes one component further. */
    private void step(int mode, int uid, int gid) throws ErrnoException {
        String name = ahead.pop();
        if (name.equals("..")) {
            if (!held.isEmpty()) {
                held.removeLast().close();
            }
            return;
        }
        var found = entry(name);
        if (found.isEmpty()) {
            try {
                enter(make(name, mode, uid, gid));
            } catch (ErrnoException e) {
                again(name, e);
            }
            return;
        }
        OwnedFd fd = found.get();
        if (followed(fd)) {
            return;
        }
        if (!isDirectory(fd)) {
            fd.close();
            throw new ErrnoException("mkdirat", Errno.ENOTDIR, path + ": at '" + name + "'");
        }
        enter(fd);
    }

    private void enter(OwnedFd directory) throws ErrnoException {
        held.add(directory);
        if (held.size() > MAX_DEPTH) {
            throw new ErrnoException(
                    "mkdirat", Errno.ENAMETOOLONG, path + ": more than " + MAX_DEPTH + " deep");
        }
    }

    /** Something appeared where there was nothing: look again. Any other failure is one. */
    private void again(String name, ErrnoException e) throws ErrnoException {
        if (e.errno() != Errno.EEXIST || ++races > MAX_RACES) {
            throw e;
        }
        ahead.push(name);
    }

    private Optional<OwnedFd> entry(String name) throws ErrnoException {
        try {
            return Optional.of(files.openat(here(), name, STEP, 0));
        } catch (ErrnoException e) {
            if (e.errno() == Errno.ENOENT) {
                return Optional.empty();
            }
            throw e;
        }
    }

    /** Takes in the text of a link and closes it; false, with nothing closed, for anything else. */
    private boolean followed(OwnedFd fd) throws ErrnoException {
        boolean follow = false;
        try {
            follow = SafeRoot.stat(files, fd, path).isSymlink();
            if (follow) {
                if (++links > MAX_LINKS) {
                    throw new ErrnoException("mkdirat", Errno.ELOOP, path);
                }
                String target = files.readlinkat(fd, "");
                if (target.startsWith("/")) {
                    held.forEach(OwnedFd::close);
                    held.clear();
                }
                push(target);
                fd.close();
            }
            return follow;
        } catch (ErrnoException e) {
            fd.close();
            throw e;
        }
    }

    private boolean isDirectory(OwnedFd fd) throws ErrnoException {
        try {
            return SafeRoot.stat(files, fd, path).isDirectory();
        } catch (ErrnoException e) {
            fd.close();
            throw e;
        }
    }

    /** Makes a directory and proves that the one behind the name is still it before it gets its owner: a full or foreign one was moved there. */
    private OwnedFd make(String name, int mode, int uid, int gid) throws ErrnoException {
        if (!files.mkdirat(here(), name, 0700)) {
            throw new ErrnoException("mkdirat", Errno.EEXIST, name);
        }
        int flags = Open.O_RDONLY | Open.O_DIRECTORY | Open.O_NOFOLLOW;
        try (OwnedFd made = files.openat(here(), name, flags, 0)) {
            Statx st = SafeRoot.stat(files, made, name);
            boolean foreign = (st.mode() & 0077) != 0;
            if (foreign || !files.listSome(made).isEmpty()) {
                throw new ErrnoException(
                        "mkdirat",
                        Errno.ESTALE,
                        path + ": '" + name + "' was exchanged while it was made");
            }
            files.fchownat(made, "", uid, gid, At.AT_EMPTY_PATH);
            files.fchmod(made, mode);
            return files.openat(made, ".", Open.O_PATH, 0);
        }
    }
}
