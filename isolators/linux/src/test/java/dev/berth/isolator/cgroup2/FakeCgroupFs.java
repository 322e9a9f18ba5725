package dev.berth.isolator.cgroup2;

import dev.berth.linux.At;
import dev.berth.linux.Errno;
import dev.berth.linux.ErrnoException;
import dev.berth.linux.Fd;
import dev.berth.linux.FsMagic;
import dev.berth.linux.Linux;

import java.io.IOException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;

/** A cgroup2 file system on a temporary directory: the real {@code Files}, with what the kernel does behind mkdir, rmdir and the writes to control files. Thread: one. */
final class FakeCgroupFs {
    private static final Map<String, Map<String, String>> CONTROLLER_FILES =
            Map.of(
                    "memory",
                    Map.of(
                            "memory.max", "max\n",
                            "memory.low", "0\n",
                            "memory.current", "4096\n",
                            "memory.peak", "8192\n",
                            "memory.swap.max", "max\n",
                            "memory.oom.group", "0\n",
                            "memory.stat", "anon 1\nfile 2\ninactive_file 777\n",
                            "memory.events", "low 0\nhigh 0\nmax 0\noom 0\noom_kill 0\n"),
                    "cpu",
                    Map.of("cpu.max", "max 100000\n", "cpu.weight", "100\n"),
                    "pids",
                    Map.of("pids.max", "max\n", "pids.current", "3\n"),
                    "io",
                    Map.of(
                            "io.max", "",
                            "io.weight", "default 100\n",
                            "io.stat",
                                    "8:0 rbytes=10 wbytes=20 rios=1 wios=2 dbytes=0 dios=0\n"
                                            + "259:1 rbytes=5 wbytes=7 rios=3 wios=4 dbytes=0 dios=0\n"),
                    "cpuset",
                    Map.of("cpuset.cpus", "", "cpuset.mems", ""));

    private final Path mount;
    private final Linux host = Linux.host();
    private final dev.berth.linux.Files files;
    final List<String> writes = new ArrayList<>();
    final Set<String> busySubtrees = new HashSet<>();

    /** @param controllers that the root of the hierarchy offers */
    FakeCgroupFs(Path mount, Set<String> controllers) throws IOException {
        this.mount = mount;
        populate(mount, controllers, Set.of());
        files =
                (dev.berth.linux.Files)
                        Proxy.newProxyInstance(
                                FakeCgroupFs.class.getClassLoader(),
                                new Class<?>[] {dev.berth.linux.Files.class},
                                (_, method, args) -> call(method, args));
    }

    dev.berth.linux.Files files() {
        return files;
    }

    CgroupMounts mounts(Set<String> legacy) {
        return new CgroupMounts(java.util.Optional.of(mount.toString()), legacy);
    }

    /** Host Linux with this file system and these programs. */
    Linux linux(dev.berth.linux.Bpf bpf) {
        return (Linux)
                Proxy.newProxyInstance(
                        FakeCgroupFs.class.getClassLoader(),
                        new Class<?>[] {Linux.class},
                        (_, method, args) ->
                                switch (method.getName()) {
                                    case "files" -> files;
                                    case "bpf" -> bpf;
                                    default -> method.invoke(host, args);
                                });
    }

    private Object call(Method method, Object[] args) throws Throwable {
        try {
            return switch (method.getName()) {
                case "mkdirat" -> {
                    Object made = method.invoke(host.files(), args);
                    if ((Boolean) made) {
                        Path at = path((Fd) args[0], (String) args[1]);
                        Set<String> enabled = words(at.getParent(), "cgroup.subtree_control");
                        populate(at, enabled, enabled);
                    }
                    yield made;
                }
                case "unlinkat" -> {
                    if ((Integer) args[2] == At.AT_REMOVEDIR) {
                        remove(path((Fd) args[0], (String) args[1]));
                    }
                    yield method.invoke(host.files(), args);
                }
                case "writeFile" -> {
                    write(path((Fd) args[0], (String) args[1]), (String) args[2]);
                    yield null;
                }
                case "fstatfsMagic" -> FsMagic.CGROUP2_SUPER_MAGIC;
                default -> method.invoke(host.files(), args);
            };
        } catch (InvocationTargetException e) {
            throw e.getCause();
        }
    }

    private Path path(Fd directory, String name) throws ErrnoException {
        if (directory.number() < 0) {
            return Path.of(name);
        }
        return Path.of(host.files().readlinkat(Fd.CWD, "/proc/self/fd/" + directory.number()))
                .resolve(name);
    }

    private static void populate(Path at, Set<String> available, Set<String> own)
            throws IOException {
        Map<String, String> contents = new HashMap<>();
        contents.put("cgroup.controllers", String.join(" ", available) + "\n");
        contents.put("cgroup.subtree_control", "\n");
        contents.put("cgroup.procs", "");
        contents.put("cgroup.kill", "");
        contents.put("cgroup.freeze", "0\n");
        contents.put("cgroup.events", "populated 0\nfrozen 0\n");
        contents.put("cpu.stat", "usage_usec 1000\nuser_usec 600\nsystem_usec 400\n");
        own.forEach(c -> contents.putAll(CONTROLLER_FILES.getOrDefault(c, Map.of())));
        for (var entry : contents.entrySet()) {
            Files.writeString(at.resolve(entry.getKey()), entry.getValue());
        }
    }

    private static Set<String> words(Path directory, String file) throws IOException {
        Set<String> words =
                new TreeSet<>(List.of(Files.readString(directory.resolve(file)).trim().split(" ")));
        words.remove("");
        return words;
    }

    private static ErrnoException errno(String call, Errno errno, Path path) {
        return new ErrnoException(call, errno, path.toString());
    }

    private void write(Path file, String value) throws IOException, ErrnoException {
        String name = file.getFileName().toString();
        Path directory = file.getParent();
        if (!Files.exists(file)) {
            throw errno("openat", Errno.ENOENT, file);
        }
        writes.add(mount.relativize(file) + " = " + value);
        switch (name) {
            case "cgroup.subtree_control" -> {
                if (busySubtrees.contains(mount.relativize(directory).toString())) {
                    throw errno("write", Errno.EBUSY, file);
                }
                Set<String> enabled = words(directory, name);
                enabled.add(value.substring(1));
                Files.writeString(file, String.join(" ", enabled) + "\n");
            }
            case "cgroup.kill" -> setEvent(directory, "populated", false);
            case "cgroup.freeze" -> setEvent(directory, "frozen", value.equals("1"));
            case "cgroup.procs" -> {
                Files.writeString(file, value + "\n");
                setEvent(directory, "populated", true);
            }
            default -> Files.writeString(file, value + "\n");
        }
    }

    /** As if the kernel changed a flag of cgroup.events. */
    static void setEvent(Path directory, String key, boolean on) throws IOException {
        Path events = directory.resolve("cgroup.events");
        String text = Files.readString(events, StandardCharsets.US_ASCII);
        Files.writeString(events, text.replaceAll(key + " [01]", key + " " + (on ? "1" : "0")));
        if (key.equals("populated") && !on) {
            Files.writeString(directory.resolve("cgroup.procs"), "");
        }
    }

    private static void remove(Path directory) throws IOException, ErrnoException {
        if (!Files.exists(directory)) {
            return;
        }
        if (Files.readString(directory.resolve("cgroup.events")).contains("populated 1")) {
            throw errno("unlinkat", Errno.EBUSY, directory);
        }
        try (Stream<Path> entries = Files.list(directory)) {
            if (entries.anyMatch(Files::isDirectory)) {
                throw errno("unlinkat", Errno.EBUSY, directory);
            }
        }
        try (Stream<Path> entries = Files.list(directory)) {
            for (Path entry : entries.toList()) {
                Files.delete(entry);
            }
        }
    }
}
