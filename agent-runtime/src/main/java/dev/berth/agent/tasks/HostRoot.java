package dev.berth.agent.tasks;

import com.fasterxml.jackson.databind.JsonNode;

import dev.berth.agent.config.AgentException;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/**
 * The root of a command without an image: Mesos runs it on the host's files. Here it sees the host's programs and libraries, read-only, and those of its settings that programs need to run; nothing of the host's {@code
 * /run}, {@code /var}, {@code /home}, {@code /proc} and no passwords, and it writes to its sandbox and to a {@code /tmp} of its own.
 */
final class HostRoot {
    /** Programs and libraries. */
    private static final List<String> PROGRAMS =
            List.of("usr", "bin", "sbin", "lib", "lib32", "lib64", "libx32", "opt");

    /** Directories that are the task's own, with the host's entries in them: the driver's files of a granted GPU have their place there, where a mount of the whole would be read-only. */
    private static final List<String> OPENED = List.of("usr", "usr/local");

    /** What stands there for a container is its grant's. */
    private static final String GRANTED = "usr/local/nvidia";

    private static final List<String> SETTINGS =
            List.of(
                    "alternatives",
                    "ca-certificates",
                    "ld.so.cache",
                    "ld.so.conf.d",
                    "localtime",
                    "pki",
                    "ssl/certs",
                    "ssl/openssl.cnf");

    private static final List<String> COPIES =
            List.of("passwd", "group", "nsswitch.conf", "protocols", "services");

    private static final List<String> EMPTY =
            List.of(
                    "proc",
                    "sys",
                    "dev",
                    "tmp",
                    "run",
                    "var/tmp",
                    "root",
                    "mnt/mesos/sandbox",
                    GRANTED);

    private HostRoot() {}

    /** {@link #PROGRAMS} with what lies in those of {@link #OPENED}, parents first. */
    private static List<String> programs() {
        List<String> all = new ArrayList<>(PROGRAMS);
        for (String opened : OPENED) {
            Path directory = Path.of("/", opened);
            if (!Files.isDirectory(directory, LinkOption.NOFOLLOW_LINKS)) {
                continue;
            }
            try (Stream<Path> entries = Files.list(directory)) {
                entries.map(entry -> opened + "/" + entry.getFileName())
                        .filter(name -> !name.equals(GRANTED))
                        .sorted()
                        .forEach(all::add);
            } catch (IOException e) {
                throw new UncheckedIOException("list " + directory, e);
            }
        }
        return all;
    }

    /** Makes the directory anew where something is missing; file lane, of which several threads may be here at once, for tasks that start together. */
    static void make(Path root) throws AgentException {
        try {
            for (String directory : EMPTY) {
                Files.createDirectories(root.resolve(directory));
            }
            Files.createDirectories(root.resolve("etc"));
            for (String name : programs()) {
                Path host = Path.of("/", name);
                Path own = root.resolve(name);
                if (Files.isSymbolicLink(host)) {
                    link(own, Files.readSymbolicLink(host));
                } else if (Files.isDirectory(host)) {
                    Files.createDirectories(own);
                }
            }
            for (String name : COPIES) {
                Path host = Path.of("/etc", name);
                if (Files.isRegularFile(host)) {
                    copy(host, root.resolve("etc").resolve(name));
                }
            }
        } catch (IOException e) {
            throw AgentException.failed("make the root of commands without an image " + root, e);
        }
    }

    /**
     * Makes the places of mounts, files or directories as their sources are, below the root that all commands without an image share: containers that made them each for themselves at the same moment would take each
     * other for somebody who exchanges directories. A place behind a link is the container's to make. File lane, as {@link #make}.
     */
    static void place(Path root, JsonNode mounts) throws AgentException {
        for (JsonNode mount : mounts) {
            String target = mount.path("Target").asText();
            try {
                place(root, Path.of(mount.path("Source").asText()), Path.of(target).normalize());
            } catch (FileAlreadyExistsException _) {
                // Another task was faster.
            } catch (IOException e) {
                throw AgentException.failed("make " + target + " in the root of commands", e);
            }
        }
    }

    private static void place(Path root, Path source, Path target) throws IOException {
        Path own = root;
        for (Path part : target) {
            own = own.resolve(part);
            if (Files.isSymbolicLink(own)) {
                return;
            }
        }
        if (Files.exists(own) || !Files.exists(source)) {
            return;
        }
        if (Files.isDirectory(source)) {
            Files.createDirectories(own);
        } else {
            Files.createDirectories(own.getParent());
            Files.createFile(own);
        }
    }

    private static void link(Path own, Path target) throws IOException {
        if (Files.isSymbolicLink(own)) {
            return;
        }
        try {
            Files.createSymbolicLink(own, target);
        } catch (FileAlreadyExistsException e) {
            if (!Files.isSymbolicLink(own)) {
                throw e;
            }
        }
    }

    /** Tasks that run have the file open or look for it: it is never gone or half there. */
    private static void copy(Path host, Path own) throws IOException {
        if (Files.exists(own) && Files.mismatch(host, own) < 0) {
            return;
        }
        Path made = Files.createTempFile(own.getParent(), own.getFileName().toString(), ".new");
        try {
            Files.copy(
                    host,
                    made,
                    StandardCopyOption.REPLACE_EXISTING,
                    StandardCopyOption.COPY_ATTRIBUTES);
            Files.move(made, own, StandardCopyOption.ATOMIC_MOVE);
        } finally {
            Files.deleteIfExists(made);
        }
    }

    /** Host paths that are seen at the same place, read-only. */
    static List<String> mounts() {
        List<String> out = new ArrayList<>();
        for (String name : programs()) {
            if (!OPENED.contains(name)
                    && Files.isDirectory(Path.of("/", name), LinkOption.NOFOLLOW_LINKS)) {
                out.add("/" + name);
            }
        }
        for (String name : SETTINGS) {
            if (Files.exists(Path.of("/etc", name))) {
                out.add("/etc/" + name);
            }
        }
        return out;
    }
}
