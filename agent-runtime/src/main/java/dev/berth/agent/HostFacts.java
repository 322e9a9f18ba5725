package dev.berth.agent;

import dev.berth.agent.conductor.ContainerViews;
import dev.berth.agent.config.AgentException;
import dev.berth.agent.config.HostLookup;
import dev.berth.isolator.ContainerConfig.DeviceNode;
import dev.berth.linux.ErrnoException;
import dev.berth.linux.Fd;
import dev.berth.linux.Linux;
import dev.berth.linux.Statx;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** This host, for the translation of requests. Any thread. */
final class HostFacts implements HostLookup {
    /** What a privileged container gets of its own instead of the host's. */
    private static final Set<String> OWN =
            Set.of("pts", "shm", "fd", "mqueue", "console", "stdin", "stdout", "stderr", "core");

    private final Linux linux;
    private final ContainerViews views;

    HostFacts(Linux linux, ContainerViews views) {
        this.linux = linux;
        this.views = views;
    }

    @Override
    public DeviceNode device(String hostPath, String target, String access) throws AgentException {
        Statx stat = stat(hostPath);
        if (!stat.isCharDevice() && !stat.isBlockDevice()) {
            throw AgentException.invalid("not a device node: " + hostPath);
        }
        return node(stat, target, access);
    }

    private Statx stat(String path) throws AgentException {
        try {
            Optional<Statx> found = linux.files().statx(Fd.CWD, path, 0);
            return found.orElseThrow(() ->
                    AgentException.invalid(
                            "error gathering device information: no such device " + path));
        } catch (ErrnoException e) {
            throw AgentException.failed("look at device " + path, e);
        }
    }

    private static DeviceNode node(Statx stat, String target, String access) {
        return new DeviceNode(
                target,
                stat.isCharDevice() ? 'c' : 'b',
                Statx.major(stat.rdev()),
                Statx.minor(stat.rdev()),
                stat.mode() & 07777,
                stat.uid(),
                stat.gid(),
                access);
    }

    @Override
    public List<DeviceNode> allDevices() throws AgentException {
        List<DeviceNode> out = new ArrayList<>();
        collect(Path.of("/dev"), out, 0);
        return out;
    }

    private void collect(Path directory, List<DeviceNode> out, int depth) throws AgentException {
        try (DirectoryStream<Path> entries = Files.newDirectoryStream(directory)) {
            for (Path entry : entries) {
                String name = String.valueOf(entry.getFileName());
                if (Files.isSymbolicLink(entry) || (depth == 0 && OWN.contains(name))) {
                    continue;
                }
                if (Files.isDirectory(entry, LinkOption.NOFOLLOW_LINKS)) {
                    if (depth < 4) {
                        collect(entry, out, depth + 1);
                    }
                    continue;
                }
                Statx stat = stat(entry.toString());
                if (stat.isCharDevice() || stat.isBlockDevice()) {
                    out.add(node(stat, entry.toString(), "rwm"));
                }
            }
        } catch (IOException e) {
            throw AgentException.failed("list devices in " + directory, e);
        }
    }

    @Override
    public int[] blockDevice(String hostPath) throws AgentException {
        Statx stat = stat(hostPath);
        if (!stat.isBlockDevice()) {
            throw AgentException.invalid("not a block device: " + hostPath);
        }
        return new int[] {Statx.major(stat.rdev()), Statx.minor(stat.rdev())};
    }

    @Override
    public long hardLimit(int resource) {
        try {
            return linux.processes().rlimit(resource)[1];
        } catch (ErrnoException _) {
            return -1;
        }
    }

    @Override
    public String containerId(String reference) throws AgentException {
        return views.resolve(reference).id().value();
    }

    @Override
    public String hostname() {
        try {
            return Files.readString(Path.of("/proc/sys/kernel/hostname")).strip();
        } catch (IOException _) {
            return "localhost";
        }
    }

    @Override
    public int cpus() {
        return Runtime.getRuntime().availableProcessors();
    }
}
