package dev.berth.agent.tasks;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;

import dev.berth.agent.config.AgentException;
import dev.berth.protocol.v1.Protos.Volume;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Volumes of a task: directories of the host, or of its sandbox. */
final class TaskVolumes {
    private TaskVolumes() {}

    static void add(ArrayNode mounts, TaskEntry entry, TaskPaths paths) throws AgentException {
        for (Volume volume : entry.info.getContainer().getVolumesList()) {
            ObjectNode mount =
                    TaskRequest.bind(
                            mounts,
                            source(volume, entry, paths).toString(),
                            target(volume),
                            volume.getMode() == Volume.Mode.RO);
            switch (volume.getSource().getHostPath().getMountPropagation().getMode()) {
                case HOST_TO_CONTAINER ->
                        mount.putObject("BindOptions").put("Propagation", "rslave");
                case BIDIRECTIONAL -> mount.putObject("BindOptions").put("Propagation", "rshared");
                case UNKNOWN -> {}
            }
        }
    }

    /** Directories of sandboxes that must be there before the container is. */
    static List<Path> directories(TaskEntry entry, TaskPaths paths) throws AgentException {
        List<Path> out = new ArrayList<>();
        for (Volume volume : entry.info.getContainer().getVolumesList()) {
            Path source = source(volume, entry, paths);
            if (source.startsWith(paths.run(entry))) {
                out.add(source);
            }
        }
        return out;
    }

    private static String target(Volume volume) throws AgentException {
        String path = volume.getContainerPath();
        if (path.startsWith("/")) {
            return path;
        }
        return beneath(Path.of(TaskPaths.INSIDE), path, "container_path").toString();
    }

    private static Path source(Volume volume, TaskEntry entry, TaskPaths paths)
            throws AgentException {
        if (volume.hasHostPath() && volume.hasSource()) {
            throw AgentException.invalid(
                    "volume at "
                            + volume.getContainerPath()
                            + ": want host_path or source, not both");
        }
        if (volume.hasImage()) {
            throw AgentException.refused("a volume of an image", "use host_path");
        }
        if (volume.hasHostPath()) {
            return host(volume.getHostPath(), entry, paths);
        }
        return switch (volume.getSource().getType()) {
            case HOST_PATH -> host(volume.getSource().getHostPath().getPath(), entry, paths);
            case SANDBOX_PATH -> {
                Volume.Source.SandboxPath sandbox = volume.getSource().getSandboxPath();
                boolean parent = sandbox.getType() == Volume.Source.SandboxPath.Type.PARENT;
                if (parent && entry.executor.isEmpty()) {
                    throw AgentException.invalid(
                            "volume with sandbox_path PARENT: only tasks of a group have one");
                }
                yield beneath(
                        parent ? paths.run(entry).resolve("shared") : paths.sandbox(entry),
                        sandbox.getPath(),
                        "sandbox_path");
            }
            case UNKNOWN, DOCKER_VOLUME, SECRET, CSI_VOLUME ->
                    throw AgentException.refused(
                            "a volume of type " + volume.getSource().getType(),
                            "use HOST_PATH or SANDBOX_PATH");
        };
    }

    private static Path host(String path, TaskEntry entry, TaskPaths paths) throws AgentException {
        if (!path.startsWith("/")) {
            return beneath(paths.sandbox(entry), path, "host_path");
        }
        Path host = parse(Path.of("/"), path, "host_path").normalize();
        refuseOurs(host, paths.dataRoot());
        return host;
    }

    private static void refuseOurs(Path host, Path ours) throws AgentException {
        if (host.startsWith(ours) || ours.startsWith(host)) {
            throw AgentException.invalid(
                    "volume with host_path " + host + ": the agent's own files are there");
        }
    }

    /** Looks where the paths of the host lead, which may be through links; lane for files. */
    static void checkSources(TaskEntry entry, TaskPaths paths) throws AgentException, IOException {
        Path ours = paths.dataRoot().toRealPath();
        for (Volume volume : entry.info.getContainer().getVolumesList()) {
            Path source = source(volume, entry, paths);
            if (!source.startsWith(paths.run(entry)) && Files.exists(source)) {
                refuseOurs(source.toRealPath(), ours);
            }
        }
    }

    private static Path parse(Path directory, String path, String field) throws AgentException {
        try {
            return directory.resolve(path);
        } catch (InvalidPathException e) {
            throw AgentException.invalid("volume with " + field + ": " + e.getReason());
        }
    }

    private static Path beneath(Path directory, String path, String field) throws AgentException {
        Path inside = parse(directory, path, field).normalize();
        if (path.isEmpty() || !inside.startsWith(directory)) {
            throw AgentException.invalid(
                    "volume with " + field + " \"" + path + "\": it leads out of the sandbox");
        }
        return inside;
    }
}
