package dev.berth.containerizer.image.store;

import dev.berth.containerizer.image.Digest;
import dev.berth.containerizer.image.ImageException;
import dev.berth.containerizer.image.layer.LayerSummary;
import dev.berth.linux.At;
import dev.berth.linux.Errno;
import dev.berth.linux.ErrnoException;
import dev.berth.linux.Fd;
import dev.berth.linux.Files;
import dev.berth.linux.Open;
import dev.berth.linux.OpenHow;
import dev.berth.linux.OwnedFd;
import dev.berth.linux.Resolve;
import dev.berth.linux.Statx;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;

/**
 * Gives directories that a layer needs but does not describe the owner, mode and time that a lower layer gave them. The kernel shows a merged directory with the attributes of the topmost tree that has it; a layer with {@code
 * tmp/x} and no {@code tmp/} would turn a 1777 {@code /tmp} into 0755. Trees are shared between images, so the attributes cannot go into them: where an image needs any, it gets one tree more on top, with
 * such directories only.
 *
 * <p>Thread: the file lane.
 */
final class AttributeLayer {
    private final Files files;
    private final LayerStore layers;

    AttributeLayer(Files files, LayerStore layers) {
        this.files = files;
        this.layers = layers;
    }

    /** Makes the tree if the image needs one; returns whether it does. */
    boolean make(Digest image, List<Digest> diffIds) throws ImageException {
        if (layers.hasAttributes(image)) {
            return true;
        }
        TreeSet<String> candidates = new TreeSet<>();
        List<OwnedFd> trees = new ArrayList<>();
        try {
            List<LayerSummary> summaries = new ArrayList<>();
            for (Digest diffId : diffIds) {
                trees.add(layers.openTree(diffId));
                LayerSummary summary =
                        layers.summary(diffId)
                                .orElseThrow(
                                        () -> new ImageException("layer " + diffId + " vanished"));
                summaries.add(summary);
                candidates.addAll(summary.implicitDirectories());
            }
            Map<String, Statx> wanted = new LinkedHashMap<>();
            for (String path : candidates) {
                described(path, trees, summaries).ifPresent(st -> wanted.put(path, st));
            }
            if (wanted.isEmpty()) {
                return false;
            }
            write(image, wanted, trees);
            return true;
        } catch (ErrnoException e) {
            throw new ImageException("make directory attributes of image " + image, e);
        } finally {
            trees.forEach(OwnedFd::close);
        }
    }

    /** What the topmost layer that describes the directory says, if a layer above it has the directory without describing it and nothing in between hides it. */
    private Optional<Statx> described(
            String path, List<OwnedFd> trees, List<LayerSummary> summaries) throws ErrnoException {
        Optional<Statx> shown = Optional.empty();
        for (int i = trees.size() - 1; i >= 0; i--) {
            Optional<Statx> there = stat(trees.get(i), path);
            if (there.isPresent() && !there.get().isDirectory()) {
                return Optional.empty();
            }
            if (there.isPresent()) {
                if (!summaries.get(i).implicitDirectories().contains(path)) {
                    return shown.filter(above -> differs(above, there.get())).isPresent()
                            ? there
                            : Optional.empty();
                }
                shown = shown.isPresent() ? shown : there;
            }
            if (hidesBelow(trees.get(i), path)) {
                return Optional.empty();
            }
        }
        return Optional.empty();
    }

    private static boolean differs(Statx a, Statx b) {
        return a.mode() != b.mode() || a.uid() != b.uid() || a.gid() != b.gid();
    }

    /** Whether the path, or a directory above it, is opaque or taken away in this tree. */
    private boolean hidesBelow(Fd tree, String path) throws ErrnoException {
        String[] parts = path.split("/", -1);
        StringBuilder prefix = new StringBuilder();
        for (String part : parts) {
            prefix.append(prefix.isEmpty() ? "" : "/").append(part);
            Optional<Statx> there = stat(tree, prefix.toString());
            if (there.isEmpty()) {
                return false;
            }
            if (!there.get().isDirectory()
                    || files.lgetxattr(tree, prefix.toString(), "trusted.overlay.opaque")
                            .isPresent()) {
                return true;
            }
        }
        return false;
    }

    /** No link is followed: the kernel merges names, not what links point to. */
    private Optional<Statx> stat(Fd tree, String path) throws ErrnoException {
        try (OwnedFd found =
                files.openat2(
                        tree,
                        path,
                        new OpenHow(
                                Open.O_PATH | Open.O_NOFOLLOW | Open.O_CLOEXEC,
                                0,
                                Resolve.RESOLVE_BENEATH | Resolve.RESOLVE_NO_SYMLINKS))) {
            return files.statx(found, "", At.AT_EMPTY_PATH);
        } catch (ErrnoException e) {
            if (e.errno() == Errno.ENOENT
                    || e.errno() == Errno.ENOTDIR
                    || e.errno() == Errno.ELOOP) {
                return Optional.empty();
            }
            throw e;
        }
    }

    private void write(Digest image, Map<String, Statx> wanted, List<OwnedFd> trees)
            throws ErrnoException, ImageException {
        String name = layers.newTree();
        boolean done = false;
        try (OwnedFd tree = layers.openNewTree(name)) {
            Map<String, Statx> all = new LinkedHashMap<>();
            for (Map.Entry<String, Statx> item : wanted.entrySet()) {
                addWithParents(all, item.getKey(), wanted, trees);
            }
            for (String path : all.keySet()) {
                files.mkdirat(tree, path, 0700);
            }
            stamp(tree, "", topmost(trees, ""));
            for (Map.Entry<String, Statx> item : all.entrySet()) {
                stamp(tree, item.getKey(), item.getValue());
            }
            done = true;
        } finally {
            if (!done) {
                layers.forget(name);
            }
        }
        layers.commitAttributes(name, image);
    }

    private void addWithParents(
            Map<String, Statx> all, String path, Map<String, Statx> wanted, List<OwnedFd> trees)
            throws ErrnoException {
        int slash = path.lastIndexOf('/');
        if (slash > 0) {
            addWithParents(all, path.substring(0, slash), wanted, trees);
        }
        if (!all.containsKey(path)) {
            Statx st = wanted.get(path);
            all.put(path, st == null ? topmost(trees, path) : st);
        }
    }

    private Statx topmost(List<OwnedFd> trees, String path) throws ErrnoException {
        for (OwnedFd tree : trees.reversed()) {
            Optional<Statx> there =
                    path.isEmpty() ? files.statx(tree, "", At.AT_EMPTY_PATH) : stat(tree, path);
            if (there.isPresent()) {
                return there.get();
            }
        }
        throw new ErrnoException("statx", Errno.ENOENT, path);
    }

    private void stamp(Fd tree, String path, Statx st) throws ErrnoException {
        String name = path.isEmpty() ? "." : path;
        files.fchownat(tree, name, st.uid(), st.gid(), At.AT_SYMLINK_NOFOLLOW);
        files.fchmodat(tree, name, st.mode() & 07777);
        files.utimensat(
                tree,
                name,
                Math.floorDiv(st.mtimeNs(), 1_000_000_000L),
                Math.floorMod(st.mtimeNs(), 1_000_000_000));
    }
}
