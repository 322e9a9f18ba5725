package dev.berth.containerizer.launch;

import dev.berth.isolator.LaunchOp;
import dev.berth.isolator.LaunchOp.Node;
import dev.berth.isolator.MountAttr;
import dev.berth.isolator.MountSource;
import dev.berth.isolator.SafePath;
import dev.berth.isolator.Slot;
import dev.berth.linux.Errno;

import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;
import java.util.function.ToIntFunction;

/** File systems, mounts, masks and the root. Every path of the container is resolved by openat2 against the root's descriptor. Thread: one. */
final class FilesystemLowering {
    private final ProgramBuilder builder;
    private final ToIntFunction<Slot> slotRegister;
    private final Predicate<Slot> isFile;
    private final TerminalLowering terminals;
    private final PathLowering paths;
    private final Map<String, Integer> made = new HashMap<>();
    private final Map<String, Set<String>> nodes = new HashMap<>();

    /** Where file systems of our own are attached: nobody else has changed what is in them. */
    private final Map<String, String> ours = new HashMap<>();

    FilesystemLowering(
            ProgramBuilder builder,
            ToIntFunction<Slot> slotRegister,
            Predicate<Slot> isFile,
            TerminalLowering terminals) {
        this.builder = builder;
        this.slotRegister = slotRegister;
        this.isFile = isFile;
        this.terminals = terminals;
        this.paths = new PathLowering(builder);
    }

    PathLowering paths() {
        return paths;
    }

    /** The register of a file system that was made. */
    int made(String name) {
        Integer register = made.get(name);
        if (register == null) {
            throw new IllegalArgumentException(
                    "a step uses file system \"" + name + "\", which no step made before it");
        }
        return register;
    }

    void make(LaunchOp.MakeFilesystem op) {
        int context = builder.register();
        int mount = builder.register();
        builder.call(Call.FSOPEN, op.type()).text(op.type()).imm(Uapi.FSOPEN_CLOEXEC).out(context);
        op.options()
                .forEach((key, value) -> {
                    ProgramBuilder.Step step =
                            builder.call(Call.FSCONFIG_, op.type() + ", " + key + "=" + value)
                                    .register(context)
                                    .imm(
                                            value.isEmpty()
                                                    ? Uapi.FSCONFIG_SET_FLAG
                                                    : Uapi.FSCONFIG_SET_STRING)
                                    .text(key);
                    if (!value.isEmpty()) {
                        step.text(value);
                    }
                });
        builder.call(Call.FSCONFIG_, op.type() + ", create")
                .register(context)
                .imm(Uapi.FSCONFIG_CMD_CREATE);
        builder.call(Call.FSMOUNT, op.name())
                .register(context)
                .imm(Uapi.FSMOUNT_CLOEXEC)
                .imm(MountAttr.bits(op.attributes()))
                .out(mount);
        builder.free(context);
        made.put(op.name(), mount);
        Set<String> names = new HashSet<>();
        for (Node node : op.nodes()) {
            node(mount, node);
            names.add(node.path());
        }
        nodes.put(op.name(), names);
    }

    private void node(int directory, Node node) {
        switch (node) {
            case Node.Device d -> device(directory, d);
            case Node.Directory d ->
                    builder.call(Call.MKDIRAT, d.path())
                            .register(directory)
                            .text(d.path())
                            .imm(d.mode())
                            .ignore(Errno.EEXIST);
            case Node.Link l ->
                    builder.call(Call.SYMLINKAT, l.path())
                            .text(l.target())
                            .register(directory)
                            .text(l.path());
            case Node.EmptyFile f ->
                    builder.call(Call.MKNODAT, f.path())
                            .register(directory)
                            .text(f.path())
                            .imm(Uapi.S_IFREG | f.mode())
                            .imm(0);
        }
    }

    private void device(int directory, Node.Device d) {
        int type = d.type() == 'b' ? Uapi.S_IFBLK : Uapi.S_IFCHR;
        builder.call(Call.MKNODAT, d.path())
                .register(directory)
                .text(d.path())
                .imm(type | d.mode())
                .imm(Uapi.makedev(d.major(), d.minor()));
        if (d.uid() != 0 || d.gid() != 0) {
            builder.call(Call.FCHOWNAT, d.path() + ", " + d.uid() + ":" + d.gid())
                    .register(directory)
                    .text(d.path())
                    .imm(d.uid())
                    .imm(d.gid())
                    .imm(Uapi.AT_SYMLINK_NOFOLLOW);
        }
    }

    void device(LaunchOp.MakeDevice op) {
        List<String> names = op.path().names();
        SafePath parent = new SafePath("/" + String.join("/", names.subList(0, names.size() - 1)));
        int directory = paths.openDirectory(slotRegister.applyAsInt(Slot.ROOT), parent);
        Node.Device d = op.device();
        device(
                directory,
                new Node.Device(
                        names.getLast(),
                        d.type(),
                        d.major(),
                        d.minor(),
                        d.mode(),
                        d.uid(),
                        d.gid()));
        builder.free(directory);
    }

    void enter(LaunchOp.EnterRoot op) {
        int root = slotRegister.applyAsInt(Slot.ROOT);
        // What comes with the program may be a clone of a shared mount: nothing that is attached on
        // it may show on the host.
        setAttributes(root, true, 0, 0, Uapi.MS_PRIVATE, "ROOT, rprivate");
        for (String staged : op.staged()) {
            attachBelowRoot(made(staged), staged);
        }
        attachBelowRoot(root, "ROOT");
        paths.root(root);
    }

    /** On {@code /root} of the spawner's own little file system: the last one attached is on top. */
    private void attachBelowRoot(int mount, String name) {
        builder.call(Call.MOVE_MOUNT, name)
                .register(mount)
                .text("")
                .imm(Uapi.AT_FDCWD)
                .text("/root")
                .imm(Uapi.MOVE_MOUNT_F_EMPTY_PATH);
    }

    void attach(LaunchOp.AttachMount op) {
        if (op.target().value().equals("/")) {
            throw new IllegalArgumentException("a mount over the root: use another target than /");
        }
        boolean file =
                switch (op.source()) {
                    case MountSource.Made _ -> false;
                    case MountSource.Given given -> isFile.test(given.slot());
                    case MountSource.Terminal _ -> true;
                };
        int source = source(op);
        if (op.source() instanceof MountSource.Given given) {
            change(op, source, given.slot().name());
        }
        String inside = placeInOurs(op.target());
        if (!inside.isEmpty()) {
            int slash = inside.indexOf(':');
            builder.call(Call.MOVE_MOUNT, op.target().value())
                    .register(source)
                    .text("")
                    .register(made(inside.substring(0, slash)))
                    .text(inside.substring(slash + 1))
                    .imm(Uapi.MOVE_MOUNT_F_EMPTY_PATH);
        } else {
            int target = paths.mountPoint(op.target(), file);
            moveTo(source, target, op.target().value());
            builder.free(target);
        }
        ours.keySet().removeIf(at -> new SafePath(at).within(op.target()));
        if (op.source() instanceof MountSource.Made m) {
            ours.put(op.target().value(), m.name());
        }
        if (op.source() instanceof MountSource.Terminal) {
            builder.free(source);
        }
    }

    private int source(LaunchOp.AttachMount op) {
        return switch (op.source()) {
            case MountSource.Made m -> made(m.name());
            case MountSource.Given given -> slotRegister.applyAsInt(given.slot());
            case MountSource.Terminal _ -> cloneTree(terminals.slave(), "", "the terminal", false);
        };
    }

    /** "name:entry" when the target is an entry that we made in a file system of our own, so that no lookup is needed. */
    private String placeInOurs(SafePath target) {
        String value = target.value();
        int slash = value.lastIndexOf('/');
        String parent = value.substring(0, slash);
        String entry = value.substring(slash + 1);
        String name = ours.get(parent);
        return name != null && nodes.getOrDefault(name, Set.of()).contains(entry)
                ? name + ":" + entry
                : "";
    }

    private void change(LaunchOp.AttachMount op, int source, String name) {
        String propagation = op.propagation();
        boolean recursivePropagation = propagation.startsWith("r");
        long type =
                switch (propagation) {
                    case "" -> 0;
                    case "private", "rprivate" -> Uapi.MS_PRIVATE;
                    case "slave", "rslave" -> Uapi.MS_SLAVE;
                    case "shared", "rshared" -> Uapi.MS_SHARED;
                    case "unbindable", "runbindable" -> Uapi.MS_UNBINDABLE;
                    default ->
                            throw new IllegalArgumentException(
                                    "unknown mount propagation " + propagation);
                };
        long set = MountAttr.bits(op.attributes());
        long clear = (set & Uapi.MOUNT_ATTR__ATIME) == 0 ? 0 : Uapi.MOUNT_ATTR__ATIME;
        String words = name + ", " + op.attributes() + " " + propagation;
        if (set == 0 && type == 0) {
            return;
        }
        if (set == 0 || type == 0 || recursivePropagation == op.recursive()) {
            boolean recursive = set == 0 ? recursivePropagation : op.recursive();
            setAttributes(source, recursive, set, clear, type, words.trim());
        } else {
            setAttributes(source, recursivePropagation, 0, 0, type, name + ", " + propagation);
            setAttributes(source, op.recursive(), set, clear, 0, name + ", " + op.attributes());
        }
    }

    private void setAttributes(
            int mount, boolean recursive, long set, long clear, long propagation, String detail) {
        builder.call(Call.MOUNT_SETATTR, detail)
                .register(mount)
                .text("")
                .imm(Uapi.AT_EMPTY_PATH | (recursive ? Uapi.AT_RECURSIVE : 0))
                .data(builder.data().words64(set, clear, propagation, 0))
                .imm(32);
    }

    private int cloneTree(int tree, String path, String detail, boolean recursive) {
        int clone = builder.register();
        builder.call(Call.OPEN_TREE, detail)
                .register(tree)
                .text(path)
                .imm(
                        Uapi.OPEN_TREE_CLONE
                                | Uapi.O_CLOEXEC
                                | (path.isEmpty() ? Uapi.AT_EMPTY_PATH : 0)
                                | (recursive ? Uapi.AT_RECURSIVE : 0))
                .out(clone);
        return clone;
    }

    private ProgramBuilder.Step moveTo(int mount, int target, String detail) {
        return builder.call(Call.MOVE_MOUNT, detail)
                .register(mount)
                .text("")
                .register(target)
                .text("")
                .imm(Uapi.MOVE_MOUNT_F_EMPTY_PATH | Uapi.MOVE_MOUNT_T_EMPTY_PATH);
    }

    void sysctl(LaunchOp.SetSysctl op) {
        String path = "sys/" + (op.key().contains("/") ? op.key() : op.key().replace('.', '/'));
        int file = builder.register();
        int how =
                builder.data()
                        .words64(
                                Uapi.O_WRONLY | Uapi.O_CLOEXEC,
                                0,
                                Uapi.RESOLVE_BENEATH
                                        | Uapi.RESOLVE_NO_XDEV
                                        | Uapi.RESOLVE_NO_MAGICLINKS
                                        | Uapi.RESOLVE_NO_SYMLINKS);
        builder.call(Call.OPENAT2, "/proc/" + path)
                .register(made(LaunchOp.PROC))
                .text(path)
                .data(how)
                .imm(24)
                .out(file);
        PathLowering.write(builder, file, op.value(), op.key() + "=" + op.value());
        builder.free(file);
    }

    void mask(LaunchOp.MaskPath op) {
        ProgramBuilder.Mark end = builder.mark();
        ProgramBuilder.Mark other = builder.mark();
        String path = op.path().value();
        int target = paths.openIfThere(op.path(), end);
        int first = maskSource(op.directory());
        moveTo(first, target, path).skipOnSuccess(end).skip(Errno.ENOTDIR, other);
        builder.here(other);
        int second = maskSource(!op.directory());
        moveTo(second, target, path);
        builder.here(end);
        builder.free(first);
        builder.free(second);
        builder.free(target);
    }

    private int maskSource(boolean directory) {
        return directory
                ? cloneTree(made(LaunchOp.EMPTY), "", "the empty directory", false)
                : cloneTree(made(LaunchOp.DEV), "null", "our /dev/null", false);
    }

    void readOnly(LaunchOp.ReadOnlyPath op) {
        ProgramBuilder.Mark end = builder.mark();
        int target = paths.openIfThere(op.path(), end);
        int clone = cloneTree(target, "", op.path().value(), true);
        setAttributes(
                clone, true, MountAttr.READ_ONLY.bit(), 0, 0, op.path().value() + ", read-only");
        moveTo(clone, target, op.path().value());
        builder.here(end);
        builder.free(clone);
        builder.free(target);
    }

    void pivot(LaunchOp.PivotRoot op) {
        int root = slotRegister.applyAsInt(Slot.ROOT);
        if (op.readOnly()) {
            setAttributes(root, false, MountAttr.READ_ONLY.bit(), 0, 0, "ROOT, read-only");
        }
        builder.call(Call.FCHDIR, "ROOT").register(root);
        // The old root comes to lie on the new one, and off again: no directory for it is needed
        // (pivot_root(2), "pivot_root(".", ".")").
        builder.call(Call.PIVOT_ROOT, "., .").text(".").text(".");
        builder.call(Call.UMOUNT2, "the old root").text(".").imm(Uapi.MNT_DETACH);
    }
}
