package dev.berth.containerizer.launch;

import dev.berth.isolator.SafePath;
import dev.berth.linux.Errno;

import java.nio.charset.StandardCharsets;
import java.util.List;

/** Lookups inside the container's root, which is hostile: always openat2 with RESOLVE_IN_ROOT and RESOLVE_NO_MAGICLINKS, new entries one name at a time on a held parent. Thread: one. */
final class PathLowering {
    /** Deeper missing directories are not made: the jump over the making must fit in a byte. */
    private static final int MAX_MADE_DEPTH = 60;

    private static final int OPEN_HOW_BYTES = 24;

    private final ProgramBuilder builder;
    private int root = Uapi.AT_FDCWD;

    PathLowering(ProgramBuilder builder) {
        this.builder = builder;
    }

    /** From here on the root is what this register holds; before, it is the working directory (a joined mount namespace's root). */
    void root(int register) {
        root = register;
    }

    /** One write of a whole value. */
    static void write(ProgramBuilder builder, int file, String value, String detail) {
        builder.call(Call.WRITE, detail)
                .register(file)
                .text(value)
                .imm(value.getBytes(StandardCharsets.UTF_8).length);
    }

    /** O_PATH of what must be there. */
    int openDirectory(int directory, SafePath path) {
        int found = builder.register();
        open(directory, path, true, found);
        return found;
    }

    /** O_PATH of what may be missing: then goes to {@code missing}. */
    int openIfThere(SafePath path, ProgramBuilder.Mark missing) {
        int found = builder.register();
        open(root, path, false, found).skip(Errno.ENOENT, missing).skip(Errno.ENOTDIR, missing);
        return found;
    }

    /** O_PATH of a mount point, which is made when it is missing. */
    int mountPoint(SafePath path, boolean file) {
        int found = builder.register();
        ProgramBuilder.Mark end = builder.mark();
        ProgramBuilder.Step first = open(root, path, false, found);
        if (path.names().size() <= MAX_MADE_DEPTH) {
            first.skipOnSuccess(end).ignore(Errno.ENOENT);
            make(path, file);
            open(root, path, false, found);
        }
        builder.here(end);
        return found;
    }

    /** As {@link #open}, and making the directory when it is missing; {@code denied} is where EACCES goes. */
    void openOrMakeDirectory(
            SafePath path,
            boolean create,
            int found,
            ProgramBuilder.Mark opened,
            ProgramBuilder.Mark denied) {
        ProgramBuilder.Step first =
                open(root, path, true, found).skipOnSuccess(opened).skip(Errno.EACCES, denied);
        if (create && path.names().size() <= MAX_MADE_DEPTH && !path.names().isEmpty()) {
            first.ignore(Errno.ENOENT);
            make(path, false);
            open(root, path, true, found);
        }
    }

    ProgramBuilder.Step openDirectoryAgain(SafePath path, int found) {
        return open(root, path, true, found);
    }

    private void make(SafePath path, boolean file) {
        List<String> names = path.names();
        int parent = builder.register();
        for (int i = 0; i < names.size(); i++) {
            if (i > 0) {
                SafePath above = new SafePath("/" + String.join("/", names.subList(0, i)));
                open(root, above, true, parent);
            }
            boolean last = i == names.size() - 1;
            ProgramBuilder.Step step =
                    builder.call(last && file ? Call.MKNODAT : Call.MKDIRAT, path.value());
            if (i == 0) {
                directory(step, root);
            } else {
                step.register(parent);
            }
            step.text(names.get(i));
            if (last && file) {
                step.imm(Uapi.S_IFREG | 0644).imm(0);
            } else {
                step.imm(0755);
            }
            step.ignore(Errno.EEXIST);
        }
        builder.free(parent);
    }

    private ProgramBuilder.Step open(int from, SafePath path, boolean directory, int found) {
        long flags = Uapi.O_PATH | Uapi.O_CLOEXEC | (directory ? builder.abi().directory() : 0);
        int how =
                builder.data().words64(flags, 0, Uapi.RESOLVE_IN_ROOT | Uapi.RESOLVE_NO_MAGICLINKS);
        ProgramBuilder.Step step = builder.call(Call.OPENAT2, path.value());
        directory(step, from);
        return step.text(path.relative()).data(how).imm(OPEN_HOW_BYTES).out(found);
    }

    private static void directory(ProgramBuilder.Step step, int from) {
        if (from == Uapi.AT_FDCWD) {
            step.imm(from);
        } else {
            step.register(from);
        }
    }
}
