package dev.berth.gpu.driver;

import dev.berth.gpu.ContainerEdits;
import dev.berth.gpu.Device;
import dev.berth.gpu.DeviceException;
import dev.berth.gpu.DeviceGrant;
import dev.berth.gpu.DeviceId;
import dev.berth.gpu.DeviceTable;
import dev.berth.gpu.driver.DriverInventory.BoundFile;
import dev.berth.gpu.driver.DriverInventory.Item;
import dev.berth.gpu.driver.DriverInventory.TreeLink;
import dev.berth.isolator.ContainerConfig.DeviceNode;
import dev.berth.isolator.ContainerConfig.Link;
import dev.berth.isolator.ContainerConfig.MountSpec;
import dev.berth.linux.At;
import dev.berth.linux.Errno;
import dev.berth.linux.ErrnoException;
import dev.berth.linux.Fd;
import dev.berth.linux.Linux;
import dev.berth.linux.Statx;
import dev.berth.linux.file.SafeRoot;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * The host's driver of one generation, ready to be given to containers. Opened once for each generation and closed when the next one stands; containers that were started go on with what they have mounted.
 *
 * <p>The host's MPS directory is not given: its server works on other GPUs than those that were granted. {@code CUDA_VISIBLE_DEVICES} is not set: a container can open the granted devices only, which CUDA then counts from 0, and much software reads numbers from that variable where UUIDs would stand.
 *
 * <p>Thread: {@link #open}, {@link #prepare}, {@link #isCurrent} and {@link #close} file lane; {@link #edits} and {@link #common} conductor.
 */
public final class DriverView implements AutoCloseable {
    /** Where the tree is in containers. */
    public static final String HOME = "/usr/local/nvidia";

    private static final String PROC = "/proc/driver/nvidia";

    private final Linux linux;
    private final Path hostRoot;
    private final ScratchDirectory scratch;
    private final DriverInventory inventory;
    private final List<Seen> seen;
    private final Optional<ProcView> proc;
    private final String procTarget;
    private final GraphicsNodes graphics;
    private final List<DriverSocket> sockets;
    private final boolean trees;
    private final Map<Set<DriverCapability>, Prepared> prepared = new ConcurrentHashMap<>();

    /** What a set of capabilities gets, whatever the devices. */
    private record Prepared(List<MountSpec> mounts, List<Link> links, List<String> warnings) {}

    /** A file as it was found. */
    private record Seen(String path, long device, long inode, long mtimeNs) {}

    private DriverView(
            Linux linux,
            Path hostRoot,
            Path scratch,
            DriverInventory inventory,
            SafeRoot host,
            boolean trees)
            throws ErrnoException {
        this.linux = linux;
        this.hostRoot = hostRoot;
        this.scratch = new ScratchDirectory(linux.files(), scratch);
        this.inventory = inventory;
        this.trees = trees;
        this.seen = seen(linux, inventory);
        this.proc = ProcView.read(linux.files(), host, this.scratch);
        this.procTarget = procTarget(linux);
        this.graphics =
                GraphicsNodes.read(
                        linux.files(), host, proc.map(ProcView::addresses).orElse(Set.of()));
        this.sockets =
                List.of(
                        new DriverSocket(linux, hostRoot, "/run/nvidia-persistenced/socket"),
                        new DriverSocket(linux, hostRoot, "/run/nvidia-fabricmanager/socket"));
        if (proc.isPresent() && !procTarget.isEmpty()) {
            proc.get().makeSingles();
        }
    }

    /**
     * Finds the driver and makes what the default capabilities get.
     *
     * @param hostRoot below which proc and sys are: {@code /}, or a simulated host's
     * @param driverRoot below which libraries, binaries and firmware are
     * @param scratchDirectory ours alone, on a tmpfs (exec-root); made when missing
     * @throws DeviceException when there is no driver; files that are not trusted are left out, see {@link #warnings}
     */
    public static DriverView open(
            Linux linux, Path hostRoot, Path driverRoot, Path scratchDirectory)
            throws DeviceException {
        return open(linux, hostRoot, driverRoot, scratchDirectory, Set.of(0), true);
    }

    /**
     * As {@link #open(Linux, Path, Path, Path)}.
     *
     * @param owners who may own driver files
     * @param trees false: as on a kernel that cannot clone detached trees
     */
    static DriverView open(
            Linux linux,
            Path hostRoot,
            Path driverRoot,
            Path scratchDirectory,
            Set<Integer> owners,
            boolean trees)
            throws DeviceException {
        try (SafeRoot host = SafeRoot.open(linux.files(), Fd.CWD, hostRoot.toString());
                SafeRoot driver = SafeRoot.open(linux.files(), Fd.CWD, driverRoot.toString())) {
            linux.files().mkdirat(Fd.CWD, scratchDirectory.toString(), 0700);
            DriverTrust trust = new DriverTrust(linux.files(), owners);
            DriverInventory inventory = new DriverScan(linux, host, driver, trust).scan();
            boolean done = false;
            try {
                DriverView view =
                        new DriverView(linux, hostRoot, scratchDirectory, inventory, host, trees);
                if (inventory.refusals().isEmpty()) {
                    view.prepare(DriverCapability.DEFAULT);
                }
                done = true;
                return view;
            } finally {
                if (!done) {
                    inventory.close();
                }
            }
        } catch (ErrnoException e) {
            throw new DeviceException("look for the NVIDIA driver below " + driverRoot, e);
        }
    }

    private static List<Seen> seen(Linux linux, DriverInventory inventory) throws ErrnoException {
        List<Seen> out = new ArrayList<>();
        for (Item item : inventory.items()) {
            if (item instanceof BoundFile file) {
                Statx st = linux.files().statx(file.source(), "", At.AT_EMPTY_PATH).orElseThrow();
                out.add(new Seen(file.hostPath(), st.device(), st.inode(), st.mtimeNs()));
            }
        }
        return out;
    }

    /**
     * Where the view of proc goes: over the driver's directory where this kernel has one; a simulated driver has none, then over all of {@code /proc/driver}, with {@code nvidia/} in it. Nothing can be made in proc.
     */
    private static String procTarget(Linux linux) throws ErrnoException {
        for (String path : List.of(PROC, "/proc/driver")) {
            if (linux.files().statx(Fd.CWD, path, At.AT_SYMLINK_NOFOLLOW).isPresent()) {
                return path;
            }
        }
        return "";
    }

    /** The driver's version, such as {@code 580.65.06}. */
    public String version() {
        return inventory.version();
    }

    /** What of the driver is not given to containers, and why. */
    public List<String> warnings() {
        return inventory.warnings();
    }

    /** Whether the loaded driver and the files are still those that were found: else open a new view. File lane. */
    public boolean isCurrent() throws DeviceException {
        try (SafeRoot host = SafeRoot.open(linux.files(), Fd.CWD, hostRoot.toString())) {
            Optional<String> loaded = DriverScan.loadedVersion(host);
            if (loaded.isPresent() && !loaded.get().equals(version())) {
                return false;
            }
            for (Seen file : seen) {
                Optional<Statx> now =
                        linux.files().statx(Fd.CWD, file.path(), At.AT_SYMLINK_NOFOLLOW);
                if (now.isEmpty()
                        || now.get().device() != file.device()
                        || now.get().inode() != file.inode()
                        || now.get().mtimeNs() != file.mtimeNs()) {
                    return false;
                }
            }
            return true;
        } catch (ErrnoException e) {
            throw new DeviceException("look at the driver's files", e);
        }
    }

    /**
     * Makes ahead what containers with these capabilities get. {@link #edits} does it when it was not done, but that takes a millisecond or two of the conductor's. File lane.
     *
     * @param capabilities as {@link DriverCapability#parse}
     */
    public void prepare(Set<String> capabilities) throws DeviceException {
        prepared(DriverCapability.parse(capabilities));
    }

    private Prepared prepared(Set<DriverCapability> asked) throws DeviceException {
        for (DriverCapability capability : asked) {
            String refusal = inventory.refusals().get(capability);
            if (refusal != null) {
                throw new DeviceException(
                        "driver capability " + capability.word() + " is refused: " + refusal);
            }
        }
        Prepared known = prepared.get(asked);
        if (known != null) {
            return known;
        }
        try {
            Prepared made = make(asked);
            Prepared other = prepared.putIfAbsent(Set.copyOf(asked), made);
            if (other != null) {
                close(made);
                return other;
            }
            return made;
        } catch (ErrnoException e) {
            throw new DeviceException("make a mount tree of driver " + version(), e);
        }
    }

    private Prepared make(Set<DriverCapability> asked) throws ErrnoException {
        List<Item> items =
                inventory.items().stream().filter(item -> item.need().in(asked)).toList();
        List<Link> links = new ArrayList<>();
        inventory.rootLinks().stream()
                .filter(link -> link.need().in(asked))
                .forEach(link -> links.add(link.link()));
        links.add(new Link("/etc/ld.so.conf.d/00-berth-nvidia.conf", HOME + "/etc/ld.so.conf"));
        List<String> warnings = new ArrayList<>();
        for (DriverCapability capability : asked) {
            boolean any =
                    capability == DriverCapability.DISPLAY
                            || items.stream()
                                    .anyMatch(i ->
                                            capability == DriverCapability.COMPAT32
                                                    ? i.need().compat32()
                                                    : i.need().capabilities().contains(capability));
            if (!any) {
                warnings.add(
                        "driver "
                                + version()
                                + " of this host has no files for capability "
                                + capability.word());
            }
        }
        return new Prepared(mounts(items, asked), List.copyOf(links), List.copyOf(warnings));
    }

    private List<MountSpec> mounts(List<Item> items, Set<DriverCapability> asked)
            throws ErrnoException {
        String loaderPath = HOME + "/lib64\n" + HOME + "/lib\n";
        if (trees) {
            String name = "driver " + version() + " for " + EnumSet.copyOf(asked);
            try {
                return List.of(
                        new MountSpec.Ready(DriverTree.make(linux, name, items, loaderPath), HOME));
            } catch (ErrnoException e) {
                // Before 6.15: nothing can be mounted on a tree that is not attached.
                if (e.errno() != Errno.EINVAL) {
                    throw e;
                }
            }
        }
        List<String> parts = new ArrayList<>();
        for (Item item : items) {
            parts.add(item.path());
            parts.add(item instanceof TreeLink link ? link.target() : "");
        }
        Path skeleton =
                scratch.make(
                        ScratchDirectory.name("tree", parts),
                        directory -> DriverTree.fill(linux.files(), directory, items, loaderPath));
        List<MountSpec> mounts = new ArrayList<>();
        mounts.add(readOnly(skeleton.toString(), HOME, true));
        for (Item item : items) {
            if (item instanceof BoundFile file) {
                mounts.add(readOnly(file.hostPath(), HOME + "/" + file.path(), false));
            }
        }
        return List.copyOf(mounts);
    }

    private static MountSpec readOnly(String source, String target, boolean noExec) {
        return new MountSpec.Bind(
                source, target, true, false, false, "rprivate", noExec, true, true);
    }

    /** What every holder of devices gets, whichever they are: mounts and links, so that a container's root can be prepared before devices are granted. */
    public ContainerEdits common(Set<String> capabilities) throws DeviceException {
        Prepared ready = prepared(DriverCapability.parse(capabilities));
        return new ContainerEdits(
                environment(), List.of(), ready.mounts(), List.of(), ready.links(), List.of());
    }

    private static List<String> environment() {
        return List.of(
                "NVIDIA_VISIBLE_DEVICES=void",
                "CUDA_DEVICE_ORDER=PCI_BUS_ID",
                "PATH=" + HOME + "/bin",
                "LD_LIBRARY_PATH=" + HOME + "/lib:" + HOME + "/lib64");
    }

    /**
     * The edits of a grant: about a dozen system calls, no wait.
     *
     * @param table in which the granted devices are
     * @param capabilities as {@link DriverCapability#parse}
     * @throws DeviceException when a device is not in the table (plan again with the newer one), or a capability is unknown or refused
     */
    public ContainerEdits edits(DeviceTable table, DeviceGrant grant, Set<String> capabilities)
            throws DeviceException {
        Set<DriverCapability> asked = DriverCapability.parse(capabilities);
        Prepared ready = prepared(asked);
        List<Device> devices = new ArrayList<>();
        List<DeviceNode> nodes = new ArrayList<>(table.controlNodes());
        for (DeviceId id : grant.devices()) {
            Device device =
                    table.find(id)
                            .orElseThrow(() ->
                                    new DeviceException(
                                            "device "
                                                    + id
                                                    + " is not among those of generation "
                                                    + table.generation()
                                                    + ": it was granted from generation "
                                                    + grant.generation()));
            devices.add(device);
            nodes.addAll(device.nodes());
        }
        List<MountSpec> mounts = new ArrayList<>(ready.mounts());
        List<String> warnings = new ArrayList<>(ready.warnings());
        try {
            if (asked.contains(DriverCapability.GRAPHICS)) {
                nodes.addAll(graphics.of(devices, table.withheldNodes()));
                mounts.add(graphics.profile(scratch, devices));
            }
            proc(devices, mounts, warnings);
            if (asked.contains(DriverCapability.UTILITY)) {
                for (DriverSocket socket : sockets) {
                    if (socket.present()) {
                        mounts.add(new MountSpec.Ready(socket, socket.path()));
                    }
                }
            }
        } catch (ErrnoException e) {
            throw new DeviceException("prepare devices of " + grant.container().shortForm(), e);
        }
        return new ContainerEdits(
                environment(), withoutMaking(nodes), mounts, List.of(), ready.links(), warnings);
    }

    private void proc(List<Device> devices, List<MountSpec> mounts, List<String> warnings)
            throws ErrnoException {
        if (proc.isEmpty()) {
            return;
        }
        if (procTarget.isEmpty()) {
            warnings.add("this kernel has no /proc/driver: the container sees no driver there");
            return;
        }
        Path directory = proc.get().directory(devices);
        Path source = procTarget.equals(PROC) ? directory.resolve("nvidia") : directory;
        mounts.add(readOnly(source.toString(), procTarget, true));
    }

    /** Nobody needs to make nodes: they are there. */
    private static List<DeviceNode> withoutMaking(List<DeviceNode> nodes) {
        return nodes.stream()
                .map(n ->
                        new DeviceNode(
                                n.path(),
                                n.type(),
                                n.major(),
                                n.minor(),
                                n.mode(),
                                n.uid(),
                                n.gid(),
                                n.access().replace("m", "")))
                .toList();
    }

    private static void close(Prepared ready) {
        for (MountSpec mount : ready.mounts()) {
            if (mount instanceof MountSpec.Ready(DriverTree tree, String _)) {
                tree.close();
            }
        }
    }

    /** Lets trees and files go; a start that was planned with them fails and is planned anew. */
    @Override
    public void close() {
        prepared.values().forEach(DriverView::close);
        prepared.clear();
        inventory.close();
    }
}
