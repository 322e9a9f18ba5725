package dev.berth.agent;

import dev.berth.agent.config.AgentLog;
import dev.berth.agent.config.ProcFacts;
import dev.berth.agent.master.NodeReport;
import dev.berth.agent.tasks.TaskHost;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Supplier;

/**
 * What the host has. Memory that is plugged in and disks that grow have no event that is worth a descriptor: they are looked at once a minute, on the lane, and a change is told.
 *
 * <p>Thread: conductor.
 */
final class HostWatch {
    static final long EVERY_NS = 60_000_000_000L;

    private final TaskHost host;
    private final Supplier<NodeReport.Host> reader;
    private final Runnable changed;
    private NodeReport.Host now;

    /** @param reader may block, on the lane; the first time at once */
    HostWatch(TaskHost host, Supplier<NodeReport.Host> reader, Runnable changed) {
        this.host = host;
        this.reader = reader;
        this.changed = changed;
        now = reader.get();
    }

    /** Looks again, and again, for as long as the conductor lives. */
    void begin() {
        var _ = host.at(host.monotonicNs() + EVERY_NS, () -> host.onLane(this::look));
    }

    private void look() {
        NodeReport.Host seen = reader.get();
        host.offer(() -> {
            boolean other = !seen.equals(now);
            now = seen;
            begin();
            if (other) {
                changed.run();
            }
        });
    }

    /** What was seen last. */
    NodeReport.Host now() {
        return now;
    }

    /** Reads it; blocks on the file system of {@code root}. */
    static NodeReport.Host read(Path root, int cpus, List<String> enforced) {
        return new NodeReport.Host(
                cpus, ProcFacts.memoryBytes(), diskBytes(root), numaNodes(), enforced);
    }

    private static long diskBytes(Path root) {
        try {
            Files.createDirectories(root);
            return Files.getFileStore(root).getTotalSpace();
        } catch (IOException e) {
            AgentLog.warn("size of the disk of " + root + ": " + e.getMessage());
            return 0;
        }
    }

    private static int numaNodes() {
        int count = 0;
        try (DirectoryStream<Path> nodes =
                Files.newDirectoryStream(Path.of("/sys/devices/system/node"), "node[0-9]*")) {
            for (Path _ : nodes) {
                count++;
            }
        } catch (IOException _) {
            // A kernel without NUMA has no such directory.
        }
        return count;
    }
}
