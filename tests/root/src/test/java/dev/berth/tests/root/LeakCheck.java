package dev.berth.tests.root;

import dev.berth.linux.Bpf;
import dev.berth.linux.ErrnoException;
import dev.berth.linux.Linux;
import dev.berth.linux.OwnedFd;
import dev.berth.linux.Poll;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Predicate;
import java.util.stream.Stream;

/**
 * What there is now that an agent could leave behind; two of these compared say what it did leave. Only what belongs to one agent is looked at, since other tests run on the same machine: its cgroup tree, its roots, its
 * spawner, this JVM's descriptors, the mounts of this mount namespace that name its directory, and the programs that it is known to have loaded.
 */
public final class LeakCheck {
    private static final long PATIENCE_NS = 10_000_000_000L;

    private final Linux linux;
    private final Path directory;
    private final Path cgroup;
    private final Optional<Integer> spawner;
    private final Set<Integer> programs;

    /**
     * @param directory holds both roots
     * @param cgroup the agent's part of the cgroup2 tree
     * @param spawner its process, while it should live
     * @param programs ids of device programs that should be gone
     */
    public LeakCheck(
            Linux linux,
            Path directory,
            Path cgroup,
            Optional<Integer> spawner,
            Set<Integer> programs) {
        this.linux = linux;
        this.directory = directory;
        this.cgroup = cgroup;
        this.spawner = spawner;
        this.programs = programs;
    }

    /** Everything by kind, each with a count. */
    public Map<String, Integer> census() throws IOException, ErrnoException {
        Map<String, Integer> found = new TreeMap<>();
        tree(cgroup, Files::isDirectory).forEach(p -> add(found, "cgroup " + p));
        for (Path group : tree(cgroup, Files::isDirectory)) {
            processes(cgroup.resolve(group))
                    .forEach(pid -> add(found, "process " + pid + " in " + group));
        }
        for (String root : List.of("exec", "data")) {
            tree(directory.resolve(root), _ -> true)
                    .forEach(p -> add(found, "file " + root + "/" + p));
        }
        for (String line : Files.readAllLines(Path.of("/proc/self/mountinfo"))) {
            if (line.contains(directory.toString())) {
                add(found, "mount of the host " + mountPoint(line));
            }
        }
        descriptors("self", found);
        if (spawner.isPresent()) {
            String pid = Integer.toString(spawner.get());
            for (String line : Files.readAllLines(Path.of("/proc", pid, "mountinfo"))) {
                add(found, "mount of the spawner " + mountPoint(line));
            }
            descriptors(pid, found);
            String children =
                    Files.readString(Path.of("/proc", pid, "task", pid, "children")).strip();
            if (!children.isEmpty()) {
                add(found, "children of the spawner " + children);
            }
        }
        Bpf bpf = linux.bpf();
        for (int id : programs) {
            Optional<OwnedFd> program = bpf.programById(id);
            if (program.isPresent()) {
                program.get().close();
                add(found, "program " + id);
            }
        }
        return found;
    }

    /** Looks again and again until nothing of this kind is there, for ten seconds. */
    public void awaitNone(Predicate<String> unwanted) throws IOException, ErrnoException {
        awaitNone(() -> {
            Set<String> left = new TreeSet<>(census().keySet());
            left.removeIf(unwanted.negate());
            return left;
        });
    }

    /** Looks until there is no more than before, for ten seconds. */
    public void awaitNoMoreThan(Map<String, Integer> before) throws IOException, ErrnoException {
        awaitNone(() -> added(before, census()));
    }

    private interface Look {
        Set<String> left() throws IOException, ErrnoException;
    }

    private void awaitNone(Look look) throws IOException, ErrnoException {
        long deadline = System.nanoTime() + PATIENCE_NS;
        Set<String> left = look.left();
        while (!left.isEmpty()) {
            if (System.nanoTime() - deadline > 0) {
                throw new AssertionError("left behind: " + left);
            }
            try (OwnedFd never = linux.files().eventfd()) {
                linux.processes().poll(never, Poll.POLLIN, 20);
            }
            left = look.left();
        }
    }

    private static List<String> processes(Path group) {
        try {
            return Files.readAllLines(group.resolve("cgroup.procs"));
        } catch (IOException _) {
            return List.of(); // it has gone
        }
    }

    private static void add(Map<String, Integer> found, String what) {
        found.merge(what, 1, Integer::sum);
    }

    private static String mountPoint(String line) {
        return line.split(" ")[4];
    }

    /** Of what goes while it is looked at, nothing is left. */
    private static List<Path> tree(Path root, Predicate<Path> wanted) throws IOException {
        List<Path> found = new ArrayList<>();
        Files.walkFileTree(
                root,
                new SimpleFileVisitor<>() {
                    @Override
                    public FileVisitResult preVisitDirectory(Path p, BasicFileAttributes about) {
                        return visitFile(p, about);
                    }

                    @Override
                    public FileVisitResult visitFile(Path p, BasicFileAttributes about) {
                        if (wanted.test(p)) {
                            found.add(root.relativize(p));
                        }
                        return FileVisitResult.CONTINUE;
                    }

                    @Override
                    public FileVisitResult visitFileFailed(Path p, IOException gone) {
                        return FileVisitResult.CONTINUE;
                    }

                    @Override
                    public FileVisitResult postVisitDirectory(Path p, @Nullable IOException gone) {
                        return FileVisitResult.CONTINUE;
                    }
                });
        return found;
    }

    /** By kind of file: numbers of inodes and of the descriptors themselves differ from one to the next, namespaces are told apart. */
    private static void descriptors(String process, Map<String, Integer> found) throws IOException {
        try (Stream<Path> all = Files.list(Path.of("/proc", process, "fd"))) {
            for (Path fd : all.toList()) {
                String target;
                try {
                    target = Files.readSymbolicLink(fd).toString();
                } catch (IOException e) {
                    continue; // the descriptor of the listing itself
                }
                if (target.endsWith(".jar") || target.endsWith("/modules")) {
                    continue; // class loading
                }
                if (!target.startsWith("net:")) {
                    target =
                            target.replaceAll("\\[\\d+\\]", "")
                                    .replaceAll("/proc/\\d+/.*", "/proc");
                } else {
                    target = "network namespace";
                }
                add(
                        found,
                        "descriptor of "
                                + (process.equals("self") ? "the agent" : "the spawner")
                                + ": "
                                + target);
            }
        }
    }

    /** What is in {@code after} and not in {@code before}. */
    static Set<String> added(Map<String, Integer> before, Map<String, Integer> after) {
        Set<String> added = new TreeSet<>();
        after.forEach((what, count) -> {
            int more = count - before.getOrDefault(what, 0);
            if (more > 0) {
                added.add(what + (more > 1 ? " x" + more : ""));
            }
        });
        return added;
    }
}
