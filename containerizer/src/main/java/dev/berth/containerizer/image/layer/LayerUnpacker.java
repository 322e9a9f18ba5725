package dev.berth.containerizer.image.layer;

import dev.berth.containerizer.image.ImageException;
import dev.berth.containerizer.image.layer.TarEntry.Segment;
import dev.berth.linux.At;
import dev.berth.linux.Errno;
import dev.berth.linux.ErrnoException;
import dev.berth.linux.Fd;
import dev.berth.linux.FileMode;
import dev.berth.linux.Files;
import dev.berth.linux.Open;
import dev.berth.linux.OwnedFd;
import dev.berth.linux.Statx;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Writes the tree of one layer (image-spec layer, "Applying Changesets"). Where a name comes twice, the last one wins, as with Docker; two directories become one with the last one's attributes.
 *
 * <p>Thread: one.
 */
public final class LayerUnpacker {
    private static final int BUFFER_BYTES = 128 << 10;

    private final Files files;
    private final Fd root;
    private final UnpackLimits limits;
    private final byte[] buffer = new byte[BUFFER_BYTES];
    private final Map<String, TarEntry> directories = new LinkedHashMap<>();
    private long entries;
    private long bytes;

    /**
     * @param root an empty directory, opened for reading, that nobody else writes to
     */
    public LayerUnpacker(Files files, Fd root, UnpackLimits limits) {
        this.files = files;
        this.root = root;
        this.limits = limits;
    }

    /**
     * Reads the stream to its end. The caller checks the diff id and throws the tree away when anything fails.
     *
     * @throws ImageException when the layer holds what no layer may hold, or the tree cannot be written
     * @throws IOException when the stream breaks or is no tar
     */
    public LayerSummary unpack(LayerStream stream) throws ImageException, IOException {
        String current = "";
        try (LayerTree tree = new LayerTree(files, root);
                Arena arena = Arena.ofConfined()) {
            MemorySegment nativeBuffer = arena.allocate(BUFFER_BYTES);
            TarReader tar = new TarReader(stream);
            for (Optional<TarEntry> next = tar.next(); next.isPresent(); next = tar.next()) {
                TarEntry entry = next.get();
                current = entry.name();
                count(entry);
                apply(tree, tar, entry, nativeBuffer);
            }
            tar.drain();
            // Last, because every name made in a directory changes its time.
            for (Map.Entry<String, TarEntry> directory : directories.entrySet()) {
                current = directory.getKey();
                stamp(tree, directory.getKey(), directory.getValue());
            }
            return new LayerSummary(entries, bytes, tree.implicitDirectories());
        } catch (LayerStream.BombException e) {
            throw new ImageException(ImageException.Kind.INVALID, String.valueOf(e.getMessage()));
        } catch (ErrnoException e) {
            throw new ImageException("unpack layer member \"" + current + "\"", e);
        }
    }

    private void count(TarEntry entry) throws ImageException {
        entries++;
        bytes += entry.sizeBytes();
        if (entries > limits.entries()) {
            throw new ImageException(
                    ImageException.Kind.INVALID,
                    "layer has more than " + limits.entries() + " members");
        }
        if (bytes > limits.bytes() || entry.sizeBytes() > limits.bytes()) {
            throw new ImageException(
                    ImageException.Kind.INVALID,
                    "layer unpacks to more than " + limits.bytes() + " bytes");
        }
    }

    private void apply(LayerTree tree, TarReader tar, TarEntry entry, MemorySegment nativeBuffer)
            throws ErrnoException, ImageException, IOException {
        List<String> path = components(entry.name());
        if (path.isEmpty()) {
            if (entry.type() != TarEntry.Type.DIRECTORY) {
                throw LayerTree.refuse(entry.name(), "is the root and no directory");
            }
            attributes(root, entry);
            directories.put("", entry);
            return;
        }
        String name = path.getLast();
        List<String> parentPath = path.subList(0, path.size() - 1);
        if (Whiteout.isMeta(path)) {
            if (name.equals(Whiteout.OPAQUE)) {
                hideAllBelow(tree, parentPath);
            }
            return;
        }
        if (Whiteout.isInside(parentPath)) {
            throw LayerTree.refuse(entry.name(), "lies inside a whiteout");
        }
        Fd parent = tree.directory(parentPath);
        Optional<String> removed = Whiteout.removedName(entry.name(), name);
        if (removed.isPresent()) {
            whiteout(tree, parent, removed.get());
            return;
        }
        switch (entry.type()) {
            case REGULAR -> regular(tree, parent, name, tar, entry, nativeBuffer);
            case DIRECTORY -> directory(tree, parent, path, entry);
            case SYMLINK -> {
                if (entry.linkName().isEmpty()) {
                    throw LayerTree.refuse(entry.name(), "is a link without a target");
                }
                make(tree, parent, name, () -> files.symlinkat(entry.linkName(), parent, name));
                finish(parent, name, entry);
            }
            case HARD_LINK -> hardLink(tree, parent, name, entry);
            case CHAR_DEVICE, BLOCK_DEVICE, FIFO -> node(tree, parent, name, entry);
        }
    }

    /** Names are relative to the layer's root whatever they start with; {@code ..} has no honest use. */
    private static List<String> components(String name) throws ImageException {
        if (name.indexOf('\0') >= 0) {
            throw LayerTree.refuse(name.replace('\0', '?'), "has a NUL in its name");
        }
        List<String> result = new ArrayList<>();
        for (String part : name.split("/", -1)) {
            if (part.equals("..")) {
                throw LayerTree.refuse(name, "has \"..\" in its name");
            }
            if (!part.isEmpty() && !part.equals(".")) {
                result.add(part);
            }
        }
        return result;
    }

    private void hideAllBelow(LayerTree tree, List<String> path)
            throws ErrnoException, ImageException {
        if (path.isEmpty()) {
            tree.makeOpaque(root);
            return;
        }
        Fd directory = tree.directory(path);
        try (OwnedFd readable = files.openat(directory, ".", Open.O_RDONLY | Open.O_DIRECTORY, 0)) {
            tree.makeOpaque(readable);
        }
    }

    private void whiteout(LayerTree tree, Fd parent, String name) throws ErrnoException {
        Optional<Statx> there = files.statx(parent, name, At.AT_SYMLINK_NOFOLLOW);
        if (there.isEmpty()) {
            files.mknodat(parent, name, FileMode.S_IFCHR, 0);
        } else if (there.get().isDirectory()) {
            // The layer has a directory of that name itself: what it hides is only what lies below.
            tree.makeOpaque(parent, name);
        }
    }

    @FunctionalInterface
    private interface Step {
        void run() throws ErrnoException;
    }

    /** Makes a name; what has it already goes first. */
    private static void make(LayerTree tree, Fd parent, String name, Step step)
            throws ErrnoException {
        try {
            step.run();
        } catch (ErrnoException e) {
            if (e.errno() != Errno.EEXIST) {
                throw e;
            }
            tree.remove(parent, name);
            step.run();
        }
    }

    private void regular(
            LayerTree tree,
            Fd parent,
            String name,
            TarReader tar,
            TarEntry entry,
            MemorySegment nativeBuffer)
            throws ErrnoException, IOException {
        int flags = Open.O_WRONLY | Open.O_CREAT | Open.O_EXCL | Open.O_NOFOLLOW;
        OwnedFd opened;
        try {
            opened = files.openat(parent, name, flags, 0600);
        } catch (ErrnoException e) {
            if (e.errno() != Errno.EEXIST) {
                throw e;
            }
            tree.remove(parent, name);
            opened = files.openat(parent, name, flags, 0600);
        }
        try (OwnedFd file = opened) {
            if (entry.sparse().isEmpty()) {
                copy(tar, file, Long.MAX_VALUE, nativeBuffer);
            } else {
                for (Segment segment : entry.sparse()) {
                    files.lseek(file, segment.offset(), 0);
                    copy(tar, file, segment.lengthBytes(), nativeBuffer);
                }
            }
            if (!entry.sparse().isEmpty()) {
                files.ftruncate(file, entry.sizeBytes());
            }
            attributes(file, entry);
        }
        files.utimensat(parent, name, entry.mtimeSeconds(), entry.mtimeNanoseconds());
    }

    private void copy(TarReader tar, Fd file, long lengthBytes, MemorySegment nativeBuffer)
            throws ErrnoException, IOException {
        long left = lengthBytes;
        while (left > 0) {
            int count = tar.read(buffer, left);
            if (count < 0) {
                return;
            }
            left -= count;
            MemorySegment.copy(buffer, 0, nativeBuffer, ValueLayout.JAVA_BYTE, 0, count);
            for (int done = 0; done < count; ) {
                done += files.write(file, nativeBuffer.asSlice(done, count - done));
            }
        }
    }

    private void directory(LayerTree tree, Fd parent, List<String> path, TarEntry entry)
            throws ErrnoException, ImageException {
        String name = path.getLast();
        if (!files.mkdirat(parent, name, 0700)) {
            Statx there =
                    files.statx(parent, name, At.AT_SYMLINK_NOFOLLOW)
                            .orElseThrow(() -> LayerTree.refuse(entry.name(), "vanished"));
            if (!there.isDirectory()) {
                tree.remove(parent, name);
                files.mkdirat(parent, name, 0700);
                if (LayerTree.isWhiteout(there)) {
                    tree.makeOpaque(parent, name);
                }
            }
        }
        try (OwnedFd directory =
                files.openat(parent, name, Open.O_RDONLY | Open.O_DIRECTORY | Open.O_NOFOLLOW, 0)) {
            attributes(directory, entry);
        }
        tree.named(path);
        directories.put(String.join("/", path), entry);
    }

    private void hardLink(LayerTree tree, Fd parent, String name, TarEntry entry)
            throws ErrnoException, ImageException {
        List<String> target = components(entry.linkName());
        if (target.isEmpty() || Whiteout.isMeta(target) || Whiteout.isInside(target)) {
            throw LayerTree.refuse(entry.name(), "is a hard link to \"" + entry.linkName() + "\"");
        }
        // Held apart from the cache: looking up the second directory may close the first.
        try (OwnedFd to = files.openat(parent, ".", Open.O_PATH | Open.O_DIRECTORY, 0)) {
            List<String> above = target.subList(0, target.size() - 1);
            Fd from = tree.existing(above).orElseThrow(() -> noTarget(entry));
            Statx there =
                    files.statx(from, target.getLast(), At.AT_SYMLINK_NOFOLLOW)
                            .filter(t -> !t.isDirectory() && !LayerTree.isWhiteout(t))
                            .orElseThrow(() -> noTarget(entry));
            Optional<Statx> own = files.statx(to, name, At.AT_SYMLINK_NOFOLLOW);
            if (own.isPresent()
                    && own.get().inode() == there.inode()
                    && own.get().device() == there.device()) {
                return;
            }
            if (own.isPresent()) {
                tree.remove(to, name);
                // The target may have been in what had to go.
                from = tree.existing(above).orElseThrow(() -> noTarget(entry));
            }
            files.linkat(from, target.getLast(), to, name, 0);
        }
    }

    private static ImageException noTarget(TarEntry entry) {
        return LayerTree.refuse(
                entry.name(),
                "is a hard link to \"" + entry.linkName() + "\", which is no file of this layer");
    }

    private void node(LayerTree tree, Fd parent, String name, TarEntry entry)
            throws ErrnoException, ImageException {
        boolean device = entry.type() != TarEntry.Type.FIFO;
        if (device && !limits.devices()) {
            throw LayerTree.refuse(entry.name(), "is a device node, and those are not allowed");
        }
        int type =
                switch (entry.type()) {
                    case CHAR_DEVICE -> FileMode.S_IFCHR;
                    case BLOCK_DEVICE -> FileMode.S_IFBLK;
                    default -> FileMode.S_IFIFO;
                };
        long number = device ? Statx.makedev(entry.major(), entry.minor()) : 0;
        make(tree, parent, name, () -> files.mknodat(parent, name, type | 0600, number));
        files.fchownat(parent, name, entry.uid(), entry.gid(), At.AT_SYMLINK_NOFOLLOW);
        files.fchmodat(parent, name, entry.mode());
        finish(parent, name, entry);
    }

    /** Attributes of what cannot be opened. */
    private void finish(Fd parent, String name, TarEntry entry) throws ErrnoException {
        if (entry.type() == TarEntry.Type.SYMLINK) {
            files.fchownat(parent, name, entry.uid(), entry.gid(), At.AT_SYMLINK_NOFOLLOW);
        }
        for (Map.Entry<String, byte[]> xattr : entry.xattrs().entrySet()) {
            // user.* attributes exist on files and directories only (xattr(7)).
            if (Xattrs.isKept(xattr.getKey()) && !xattr.getKey().startsWith("user.")) {
                set(() -> files.lsetxattr(parent, name, xattr.getKey(), xattr.getValue()));
            }
        }
        files.utimensat(parent, name, entry.mtimeSeconds(), entry.mtimeNanoseconds());
    }

    /** Owner first: chown(2) takes setuid bits and capabilities away. */
    private void attributes(Fd file, TarEntry entry) throws ErrnoException {
        files.fchownat(file, "", entry.uid(), entry.gid(), At.AT_EMPTY_PATH);
        files.fchmod(file, entry.mode());
        for (Map.Entry<String, byte[]> xattr : entry.xattrs().entrySet()) {
            if (Xattrs.isKept(xattr.getKey())) {
                set(() -> files.fsetxattr(file, xattr.getKey(), xattr.getValue()));
            }
        }
    }

    /** A file system without a kind of attribute is no reason to refuse the image, as with Docker. */
    private static void set(Step step) throws ErrnoException {
        try {
            step.run();
        } catch (ErrnoException e) {
            if (e.errno() != Errno.EOPNOTSUPP) {
                throw e;
            }
        }
    }

    private void stamp(LayerTree tree, String path, TarEntry entry)
            throws ErrnoException, ImageException {
        if (path.isEmpty()) {
            files.utimensat(root, ".", entry.mtimeSeconds(), entry.mtimeNanoseconds());
            return;
        }
        List<String> parts = List.of(path.split("/", -1));
        // A later member may have taken its place.
        Optional<Fd> parent = tree.existing(parts.subList(0, parts.size() - 1));
        if (parent.isEmpty()) {
            return;
        }
        String name = parts.getLast();
        Optional<Statx> there = files.statx(parent.get(), name, At.AT_SYMLINK_NOFOLLOW);
        if (there.isPresent() && there.get().isDirectory()) {
            files.utimensat(parent.get(), name, entry.mtimeSeconds(), entry.mtimeNanoseconds());
        }
    }
}
