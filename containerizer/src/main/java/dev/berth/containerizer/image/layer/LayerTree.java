package dev.berth.containerizer.image.layer;

import dev.berth.containerizer.image.ImageException;
import dev.berth.linux.At;
import dev.berth.linux.Errno;
import dev.berth.linux.ErrnoException;
import dev.berth.linux.Fd;
import dev.berth.linux.Files;
import dev.berth.linux.Open;
import dev.berth.linux.OwnedFd;
import dev.berth.linux.Statx;
import dev.berth.linux.file.SafeRoot;
import dev.berth.linux.file.TreeRemoval;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/**
 * The tree that one layer is unpacked into. Every name is resolved by the kernel inside the tree ({@link SafeRoot}): a link that the layer itself made leads inside the tree or nowhere. Nobody
 * else may write to the tree meanwhile; it lies below a directory of mode 0700.
 *
 * <p>Thread: one.
 */
final class LayerTree implements AutoCloseable {
    static final String OPAQUE = "trusted.overlay.opaque";

    private static final byte[] YES = "y".getBytes(StandardCharsets.US_ASCII);
    private static final int MAX_CACHED = 64;
    private static final int MAX_DEPTH = 2000;

    private final Files files;
    private final Fd root;
    private final SafeRoot inside;

    /** Directories that were opened lately: members of a tar come directory by directory. */
    private final LinkedHashMap<String, OwnedFd> cache = new LinkedHashMap<>(16, 0.75f, true);

    /** Forgotten directories that a caller may still hold for the member at hand. */
    private final List<OwnedFd> retired = new ArrayList<>();

    /** Directories that were needed before the layer named them, or that it never names. */
    private final Set<String> implicit = new TreeSet<>();

    LayerTree(Files files, Fd root) {
        this.files = files;
        this.root = root;
        this.inside = SafeRoot.over(files, root);
    }

    /** Those that are still there at the end. */
    List<String> implicitDirectories() throws ErrnoException, ImageException {
        List<String> result = new ArrayList<>();
        for (String path : implicit) {
            if (existing(List.of(path.split("/", -1))).isPresent()) {
                result.add(path);
            }
        }
        return List.copyOf(result);
    }

    /** The directory of that name, made where it is missing. The descriptor is borrowed: it stays open until the next call. */
    Fd directory(List<String> path) throws ErrnoException, ImageException {
        retired.forEach(OwnedFd::close);
        retired.clear();
        if (path.isEmpty()) {
            return root;
        }
        String joined = String.join("/", path);
        OwnedFd cached = cache.get(joined);
        if (cached != null) {
            return cached;
        }
        Optional<OwnedFd> opened = open(joined);
        return remember(joined, opened.isPresent() ? opened.get() : make(path));
    }

    /** The directory of that name, if there is one; borrowed like that of {@link #directory}. */
    Optional<Fd> existing(List<String> path) throws ErrnoException, ImageException {
        retired.forEach(OwnedFd::close);
        retired.clear();
        if (path.isEmpty()) {
            return Optional.of(root);
        }
        String joined = String.join("/", path);
        OwnedFd cached = cache.get(joined);
        if (cached != null) {
            return Optional.of(cached);
        }
        Optional<OwnedFd> opened = open(joined);
        return opened.isPresent() ? Optional.of(remember(joined, opened.get())) : Optional.empty();
    }

    private Fd remember(String joined, OwnedFd opened) {
        cache.put(joined, opened);
        if (cache.size() > MAX_CACHED) {
            Iterator<Map.Entry<String, OwnedFd>> eldest = cache.entrySet().iterator();
            eldest.next().getValue().close();
            eldest.remove();
        }
        return opened;
    }

    private Optional<OwnedFd> open(String joined) throws ErrnoException, ImageException {
        try {
            return Optional.of(inside.open(joined, Open.O_PATH | Open.O_DIRECTORY, 0));
        } catch (ErrnoException e) {
            if (e.errno() == Errno.ENOENT || e.errno() == Errno.ENOTDIR) {
                return Optional.empty();
            }
            if (e.errno() == Errno.ELOOP || e.errno() == Errno.ENAMETOOLONG) {
                throw refuse(joined, "cannot be reached: " + e.errno().name());
            }
            throw e;
        }
    }

    private OwnedFd make(List<String> path) throws ErrnoException, ImageException {
        if (path.size() > MAX_DEPTH) {
            throw refuse(String.join("/", path), "lies too deep");
        }
        OwnedFd at = files.openat(root, ".", Open.O_PATH | Open.O_DIRECTORY, 0);
        try {
            for (int i = 0; i < path.size(); i++) {
                String joined = String.join("/", path.subList(0, i + 1));
                Optional<OwnedFd> next = open(joined);
                if (next.isEmpty()) {
                    makeImplicit(at, path.get(i), joined);
                    next = open(joined);
                }
                if (next.isEmpty()) {
                    throw refuse(joined, "is a link to nothing and cannot be a directory");
                }
                at.close();
                at = next.get();
            }
            return at;
        } catch (ErrnoException | ImageException | RuntimeException e) {
            at.close();
            throw e;
        }
    }

    private void makeImplicit(Fd parent, String name, String joined)
            throws ErrnoException, ImageException {
        Optional<Statx> there = files.statx(parent, name, At.AT_SYMLINK_NOFOLLOW);
        boolean hides = false;
        if (there.isPresent()) {
            if (!isWhiteout(there.get())) {
                throw refuse(
                        joined,
                        there.get().isSymlink()
                                ? "is a link that leads to nothing in the layer, yet members lie in it"
                                : "is no directory, yet members lie in it");
            }
            files.unlinkat(parent, name, 0);
            hides = true;
        }
        files.mkdirat(parent, name, 0755);
        files.fchmodat(parent, name, 0755);
        if (hides) {
            makeOpaque(parent, name);
        }
        implicit.add(joined);
    }

    /** The layer named the directory after all. */
    void named(List<String> path) {
        implicit.remove(String.join("/", path));
    }

    static boolean isWhiteout(Statx file) {
        return file.isCharDevice() && file.rdev() == 0;
    }

    void makeOpaque(Fd parent, String name) throws ErrnoException {
        files.lsetxattr(parent, name, OPAQUE, YES);
    }

    /** For a directory that is open for reading. */
    void makeOpaque(Fd readable) throws ErrnoException {
        files.fsetxattr(readable, OPAQUE, YES);
    }

    /** Removes what has that name, a directory with all that is in it. */
    void remove(Fd parent, String name) throws ErrnoException {
        Optional<Statx> there = files.statx(parent, name, At.AT_SYMLINK_NOFOLLOW);
        if (there.isEmpty()) {
            return;
        }
        if (!there.get().isDirectory()) {
            // A link to a directory may be part of a remembered path.
            if (there.get().isSymlink()) {
                forget();
            }
            files.unlinkat(parent, name, 0);
            return;
        }
        forget();
        new TreeRemoval(files).remove(parent, name);
    }

    private void forget() {
        retired.addAll(cache.values());
        cache.clear();
    }

    static ImageException refuse(String name, String why) {
        return new ImageException(
                ImageException.Kind.INVALID, "layer member \"" + name + "\" " + why);
    }

    @Override
    public void close() {
        inside.close();
        forget();
        retired.forEach(OwnedFd::close);
        retired.clear();
    }
}
