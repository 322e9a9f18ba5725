package dev.berth.gpu.cdi;

import dev.berth.gpu.ContainerEdits;
import dev.berth.gpu.DeviceException;
import dev.berth.gpu.cdi.CdiSpec.Node;
import dev.berth.gpu.driver.DriverTrust;
import dev.berth.gpu.edits.EditsMerge;
import dev.berth.isolator.ContainerConfig.DeviceNode;
import dev.berth.linux.DirEntry;
import dev.berth.linux.Errno;
import dev.berth.linux.ErrnoException;
import dev.berth.linux.Fd;
import dev.berth.linux.Linux;
import dev.berth.linux.Open;
import dev.berth.linux.OwnedFd;
import dev.berth.linux.Statx;
import dev.berth.linux.file.SafeRoot;

import org.jspecify.annotations.Nullable;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * All devices that CDI files describe. A directory that comes later in the list goes before one that comes earlier; two files of one directory that describe the same device are a conflict, and neither counts for it.
 *
 * <p>Thread: {@link #refresh} file lane, one at a time; all else any, on what the last refresh saw.
 */
public final class CdiRegistry {
    /** Where CDI files are: the administrator's, then those that programs write. */
    public static final List<Path> DIRECTORIES =
            List.of(Path.of("/etc/cdi"), Path.of("/var/run/cdi"));

    private static final int MAX_FILES = 1000;

    private final Linux linux;
    private final List<Path> directories;
    private final Path scratch;
    private final Set<Integer> owners;
    private volatile Snapshot snapshot = new Snapshot(Map.of(), List.of());
    private List<Stamp> stamps = List.of();

    /** A file as it was when it was read. */
    private record Stamp(String path, long inode, long sizeBytes, long mtimeNs) {}

    /** One file's part that all of its devices share; compared by identity. */
    private static final class Shared {
        private final CdiTranslation.Ready edits;

        private Shared(CdiTranslation.Ready edits) {
            this.edits = edits;
        }
    }

    private record Found(Shared shared, CdiTranslation.Ready edits, String file, int priority) {}

    private record Snapshot(Map<String, Found> devices, List<String> problems) {}

    /**
     * A registry that has read nothing yet.
     *
     * @param scratch of the agent's own, exists
     */
    public CdiRegistry(Linux linux, List<Path> directories, Path scratch) {
        this(linux, directories, scratch, Set.of(0));
    }

    /** @param owners who may own CDI files */
    CdiRegistry(Linux linux, List<Path> directories, Path scratch, Set<Integer> owners) {
        this.linux = linux;
        this.directories = List.copyOf(directories);
        this.scratch = scratch;
        this.owners = owners;
    }

    /** Whether a device is asked for in CDI's way: {@code vendor/class=device}. */
    public static boolean isName(String text) {
        return CdiName.parse(text).isPresent();
    }

    /**
     * Reads what has changed. Cheap when nothing has: a look at each file. File lane.
     *
     * @return whether there was anything new
     * @throws DeviceException when the files cannot be looked at; what is wrong with a single one is in {@link #problems}
     */
    public boolean refresh() throws DeviceException {
        try {
            List<Stamp> now = new ArrayList<>();
            List<List<String>> files = new ArrayList<>();
            for (Path directory : directories) {
                files.add(look(directory, now));
            }
            if (now.equals(stamps)) {
                return false;
            }
            snapshot = read(files);
            stamps = List.copyOf(now);
            return true;
        } catch (ErrnoException e) {
            throw new DeviceException("read CDI files", e);
        }
    }

    private List<String> look(Path directory, List<Stamp> stamps) throws ErrnoException {
        Set<String> names = new TreeSet<>();
        try (OwnedFd open =
                linux.files()
                        .openat(
                                Fd.CWD,
                                directory.toString(),
                                Open.O_RDONLY | Open.O_DIRECTORY,
                                0)) {
            for (DirEntry entry : linux.files().list(open)) {
                boolean one = entry.name().endsWith(".json") || entry.name().endsWith(".yaml");
                if (one && !entry.name().startsWith(".") && names.size() < MAX_FILES) {
                    names.add(entry.name());
                }
            }
            for (String name : names) {
                Optional<Statx> st = followed(open, name);
                stamps.add(
                        new Stamp(
                                directory.resolve(name).toString(),
                                st.map(Statx::inode).orElse(0L),
                                st.map(Statx::sizeBytes).orElse(0L),
                                st.map(Statx::mtimeNs).orElse(0L)));
            }
        } catch (ErrnoException e) {
            if (e.errno() != Errno.ENOENT && e.errno() != Errno.ENOTDIR) {
                throw e;
            }
        }
        return List.copyOf(names);
    }

    /** A link that leads nowhere is told of when it is read. */
    private Optional<Statx> followed(Fd directory, String name) throws ErrnoException {
        try {
            return linux.files().statx(directory, name, 0);
        } catch (ErrnoException e) {
            if (e.errno() == Errno.ELOOP) {
                return Optional.empty();
            }
            throw e;
        }
    }

    private Snapshot read(List<List<String>> files) throws ErrnoException {
        Map<String, Found> devices = new TreeMap<>();
        List<String> problems = new ArrayList<>();
        Set<String> conflicts = new LinkedHashSet<>();
        DriverTrust trust = new DriverTrust(linux.files(), owners);
        for (int priority = 0; priority < files.size(); priority++) {
            Path directory = directories.get(priority);
            for (String name : files.get(priority)) {
                try {
                    byte[] content = content(trust, directory, name);
                    CdiSpec spec = CdiParser.parse(directory.resolve(name).toString(), content);
                    add(spec, directory.resolve(name).toString(), priority, devices, conflicts);
                } catch (DeviceException e) {
                    problems.add(
                            e.getMessage()
                                    + (e.getCause() == null ? "" : ": " + firstLine(e.getCause())));
                }
            }
            for (String conflict : conflicts) {
                problems.add(conflict);
                devices.remove(conflict.substring(0, conflict.indexOf(' ')));
            }
            conflicts.clear();
        }
        devices.forEach((name, found) -> {
            refusal(found).ifPresent(why -> problems.add(name + " is refused: " + why));
        });
        return new Snapshot(Map.copyOf(devices), List.copyOf(problems));
    }

    private static String firstLine(Throwable cause) {
        return String.valueOf(cause.getMessage()).lines().findFirst().orElse("");
    }

    private byte[] content(DriverTrust trust, Path directory, String name) throws DeviceException {
        String path = directory.resolve(name).toString();
        try (SafeRoot home = SafeRoot.open(linux.files(), Fd.CWD, "/");
                @Nullable OwnedFd found = home.resolve(path).orElse(null)) {
            if (found == null) {
                throw new DeviceException(path + " is gone");
            }
            String real = trust.path(found);
            Optional<String> objection = trust.objection(found, real);
            if (objection.isPresent()) {
                throw new DeviceException("not read: " + objection.get());
            }
            return home.readRegular(real, CdiParser.MAX_BYTES)
                    .orElseThrow(() -> new DeviceException(path + " is gone"));
        } catch (ErrnoException e) {
            throw new DeviceException(path, e);
        }
    }

    private void add(
            CdiSpec spec,
            String file,
            int priority,
            Map<String, Found> devices,
            Set<String> conflicts)
            throws ErrnoException {
        CdiHooks hooks = new CdiHooks(linux, scratch);
        Shared shared = new Shared(CdiTranslation.translate(spec.edits(), hooks));
        for (CdiSpec.Device device : spec.devices()) {
            String name = spec.kind() + "=" + device.name();
            Found before = devices.get(name);
            if (before != null && before.priority() == priority) {
                conflicts.add(name + " is described by both " + before.file() + " and " + file);
            }
            CdiTranslation.Ready own = CdiTranslation.translate(device.edits(), hooks);
            devices.put(name, new Found(shared, own, file, priority));
        }
    }

    private static Optional<String> refusal(Found found) {
        return found.shared().edits.refusal().or(() -> found.edits().refusal());
    }

    /** The qualified names of all devices, in order. */
    public List<String> devices() {
        return snapshot.devices().keySet().stream().sorted().toList();
    }

    /** Files that were not read, conflicts, and devices that cannot be given: sentences for people. */
    public List<String> problems() {
        return snapshot.problems();
    }

    /**
     * What a container with these devices gets: the shared edits of each file once, then those of each device, in the order asked for. A system call for each node without numbers.
     *
     * @param names qualified
     * @param uid owner of nodes where the file names none: the container's process's user
     * @throws DeviceException for names that no file describes, devices that are refused, and nodes that are not there
     */
    public ContainerEdits resolve(List<String> names, int uid, int gid) throws DeviceException {
        Snapshot now = snapshot;
        List<String> unknown =
                names.stream().filter(name -> !now.devices().containsKey(name)).toList();
        if (!unknown.isEmpty()) {
            throw new DeviceException(
                    "unresolvable CDI devices "
                            + String.join(", ", unknown)
                            + ": no file in "
                            + directories
                            + " describes them"
                            + (now.problems().isEmpty()
                                    ? ""
                                    : "; " + String.join("; ", now.problems())));
        }
        List<ContainerEdits> all = new ArrayList<>();
        List<Shared> used = new ArrayList<>();
        for (String name : new LinkedHashSet<>(names)) {
            Found found = now.devices().get(name);
            if (found == null) {
                continue; // all are there, see above
            }
            Optional<String> refusal = refusal(found);
            if (refusal.isPresent()) {
                throw new DeviceException("CDI device " + name + " is refused: " + refusal.get());
            }
            if (used.stream().noneMatch(shared -> shared == found.shared())) {
                used.add(found.shared());
                all.add(ready(name, found.shared().edits, uid, gid));
            }
            all.add(ready(name, found.edits(), uid, gid));
        }
        return EditsMerge.join(all);
    }

    private ContainerEdits ready(String name, CdiTranslation.Ready ready, int uid, int gid)
            throws DeviceException {
        List<DeviceNode> nodes = new ArrayList<>();
        for (Node node : ready.nodes()) {
            try {
                nodes.add(CdiTranslation.node(linux, node, uid, gid));
            } catch (DeviceException e) {
                throw new DeviceException("CDI device " + name + ": " + e.getMessage(), e);
            }
        }
        ContainerEdits edits = ready.edits();
        return new ContainerEdits(
                edits.environment(),
                nodes,
                edits.mounts(),
                edits.additionalGroups(),
                edits.links(),
                edits.warnings());
    }
}
