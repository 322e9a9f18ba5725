package dev.berth.tests.root.escape;

import dev.berth.isolator.ContainerConfig.DeviceNode;
import dev.berth.isolator.ContainerConfig.MountSpec.Tmpfs;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * A container exchanges a directory and a link that leads to the host, some hundred thousand times a second, while others are started whose mount points lie behind it (CVE-2021-30465, CVE-2024-45310, CVE-2026-41579).
 *
 * <p>The link leads through this JVM's own root: its process may be looked into, unlike process 1 of most hosts. {@link EscapeHost#close} sees mounts that strayed.
 */
final class RaceEscapeTest extends AttackTest {
    private static final int STARTS = 300;
    private static final Defence LOOKUPS = Defence.kernel("guarded lookups", NaiveLinux.lookups());

    @Override
    List<Attack> attacks() {
        return List.of(
                new Attack(
                        "mount point in a shared volume",
                        LOOKUPS,
                        host -> {
                            Path volume = Files.createDirectories(host.directory.resolve("volume"));
                            trap(host, volume);
                            host.startReady(
                                    Setup.probe("flip", "/v/x", "/v/evil", "120")
                                            .bind(volume, "/v"));
                            return race(host, mounting("/v/x/made/deep").bind(volume, "/v"));
                        }),
                new Attack(
                        "mount point in a shared root",
                        LOOKUPS,
                        host -> {
                            Path root = shared(host);
                            return race(host, mounting("/x/made/deep").root(root));
                        }),
                new Attack(
                        "device in a shared root",
                        LOOKUPS,
                        host -> {
                            Path root = shared(host);
                            Setup victim = Setup.probe("true").root(root);
                            victim.devices.add(
                                    new DeviceNode("/x/made", 'c', 1, 5, 0666, 0, 0, "rwm"));
                            return race(host, victim);
                        }));
    }

    private static Path shared(EscapeHost host) throws Exception {
        Path root = host.newRoot();
        trap(host, root);
        host.startReady(Setup.probe("flip", "/x", "/evil", "120").root(root));
        return root;
    }

    private static void trap(EscapeHost host, Path directory) throws IOException {
        Files.createDirectories(directory.resolve("x"));
        Files.createSymbolicLink(
                directory.resolve("evil"),
                Path.of("/proc/" + ProcessHandle.current().pid() + "/root" + host.canary()));
    }

    /** The bind of a volume is attached first, whatever is added to this. */
    private static Setup mounting(String target) {
        Setup victim = Setup.probe("true");
        victim.late.add(new Tmpfs(target, 0, 0755, 0, 0, false, false));
        return victim;
    }

    private static Optional<String> race(EscapeHost host, Setup victim) throws Exception {
        for (int i = 0; i < STARTS; i++) {
            host.run(victim);
            Optional<String> touched = host.touched();
            if (touched.isPresent()) {
                return touched;
            }
        }
        return Optional.empty();
    }
}
