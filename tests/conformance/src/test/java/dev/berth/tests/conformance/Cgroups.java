package dev.berth.tests.conformance;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/** What lies at the top of the cgroup2 hierarchy. */
final class Cgroups {
    private Cgroups() {}

    /** Groups whose names begin with {@code prefix}. */
    static List<Path> named(String prefix) throws IOException {
        for (String line : Files.readAllLines(Path.of("/proc/self/mountinfo"))) {
            if (line.contains(" - cgroup2 ")) {
                try (Stream<Path> groups = Files.list(Path.of(line.split(" ")[4]))) {
                    return groups.filter(g -> g.getFileName().toString().startsWith(prefix))
                            .toList();
                }
            }
        }
        throw new IOException("no cgroup2 mount");
    }
}
