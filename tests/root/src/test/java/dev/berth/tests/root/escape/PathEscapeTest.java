package dev.berth.tests.root.escape;

import dev.berth.isolator.ContainerConfig.DeviceNode;
import dev.berth.isolator.ContainerConfig.MountSpec.Tmpfs;
import dev.berth.isolator.LaunchOp;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Images whose links lead to the host where a launch makes, mounts, masks or writes something (CVE-2019-19921, CVE-2024-45310, CVE-2025-31133, CVE-2025-52565, CVE-2026-41579, CVE-2022-23648). */
final class PathEscapeTest extends AttackTest {
    private static final Defence LOOKUPS = Defence.kernel("guarded lookups", NaiveLinux.lookups());

    @Override
    List<Attack> attacks() {
        return List.of(
                new Attack("mount point behind a link", LOOKUPS, PathEscapeTest::mountPoint),
                new Attack(
                        "mount point in a volume behind a link of /proc",
                        LOOKUPS,
                        PathEscapeTest::mountPointInVolume),
                new Attack("file mount point behind a link", LOOKUPS, PathEscapeTest::filePoint),
                new Attack("working directory behind a link", LOOKUPS, PathEscapeTest::directory),
                new Attack("device behind a link", LOOKUPS, PathEscapeTest::device),
                new Attack("/dev is a link", LOOKUPS, host -> link(host, "dev")),
                new Attack("/proc is a link", LOOKUPS, host -> link(host, "proc")),
                new Attack("/sys is a link", LOOKUPS, host -> link(host, "sys")),
                new Attack(
                        "/proc/sys leads elsewhere", NaiveHost.sysctls(), PathEscapeTest::sysctl),
                new Attack(
                        "/dev/null leads elsewhere", NaiveHost.masks(), PathEscapeTest::nullDevice),
                new Attack(
                        "the terminal's file leads elsewhere",
                        NaiveHost.console(),
                        PathEscapeTest::console),
                new Attack(
                        "/dev/shm, /dev/pts and /dev/mqueue lead elsewhere",
                        Defence.steps(
                                "/dev of its own",
                                op ->
                                        op instanceof LaunchOp.AttachMount a
                                                        && a.target().value().startsWith("/dev")
                                                ? Optional.empty()
                                                : Optional.of(op)),
                        PathEscapeTest::ownDev));
    }

    /** A link that names a directory of the host. */
    private static void leak(Path at, String to) throws IOException {
        Files.createDirectories(at.getParent());
        Files.createSymbolicLink(at, Path.of(to));
    }

    private static Optional<String> mountPoint(EscapeHost host) throws Exception {
        Path root = host.newRoot();
        leak(root.resolve("out"), host.canary().toString());
        Setup setup = Setup.probe("true").root(root);
        setup.mounts.add(new Tmpfs("/out/made/deep", 0, 0755, 0, 0, false, false));
        host.run(setup);
        return host.touched();
    }

    /** The volume is not there when the agent prepares the root: only the launch itself walks through it. */
    private static Optional<String> mountPointInVolume(EscapeHost host) throws Exception {
        Path volume = Files.createDirectories(host.directory.resolve("volume"));
        leak(
                volume.resolve("out"),
                "/proc/" + ProcessHandle.current().pid() + "/root" + host.canary());
        Setup setup = Setup.probe("true").root(host.newRoot()).bind(volume, "/v");
        setup.mounts.add(new Tmpfs("/v/out/made/deep", 0, 0755, 0, 0, false, false));
        host.run(setup);
        return host.touched();
    }

    private static Optional<String> filePoint(EscapeHost host) throws Exception {
        Path root = host.newRoot();
        leak(root.resolve("etc"), host.canary().toString());
        Path source = Files.writeString(host.directory.resolve("hosts"), "1");
        host.run(Setup.probe("true").root(root).bind(source, "/etc/hosts"));
        return host.touched();
    }

    private static Optional<String> directory(EscapeHost host) throws Exception {
        Path root = host.newRoot();
        leak(root.resolve("work"), host.canary().toString());
        EscapeHost.Outcome outcome =
                host.run(Setup.probe("cat", "../secret").root(root).cwd("/work/made"));
        return host.touched().or(() -> EscapeHost.told(outcome.text()));
    }

    private static Optional<String> device(EscapeHost host) throws Exception {
        Path root = host.newRoot();
        leak(
                root.resolve("opt"),
                "/proc/" + ProcessHandle.current().pid() + "/root" + host.canary());
        Setup setup = Setup.probe("true").root(root);
        setup.devices.add(new DeviceNode("/opt/zero", 'c', 1, 5, 0666, 0, 0, "rwm"));
        host.run(setup);
        return host.touched();
    }

    /** Refused with a sentence; without the look the launch follows it, and mounts go where the image says. */
    private static Optional<String> link(EscapeHost host, String name) throws Exception {
        Path root = host.newRoot();
        Files.createDirectories(root.resolve("elsewhere"));
        leak(root.resolve(name), "elsewhere");
        EscapeHost.Outcome outcome = host.run(Setup.probe("true").root(root));
        if (outcome.text().contains("the image ships /" + name + " as a symbolic link")) {
            return Optional.empty();
        }
        return Optional.of("the link was followed: " + outcome.text());
    }

    private static Optional<String> sysctl(EscapeHost host) throws Exception {
        Path root = host.newRoot();
        Path file = host.canary().resolve("net/ipv4/ip_local_port_range");
        Files.createDirectories(root.resolve("proc"));
        leak(root.resolve("proc/sys"), host.canary().toString());
        Path real = Path.of("/proc/sys/net/ipv4/ip_local_port_range");
        String before = Files.readString(real);
        Setup setup = Setup.probe("cat", real.toString()).root(root);
        setup.sysctls = Map.of("net.ipv4.ip_local_port_range", "2000 3000");
        EscapeHost.Outcome outcome = host.run(setup);
        if (!Files.readString(real).equals(before)) {
            return Optional.of("the host's parameter was changed");
        }
        if (Files.exists(file)) {
            return Optional.of("the value was written to " + file);
        }
        return outcome.text().equals("2000\t3000\n")
                ? Optional.empty()
                : Optional.of("the container has it not: " + outcome);
    }

    private static Optional<String> nullDevice(EscapeHost host) throws Exception {
        Path root = host.newRoot();
        leak(root.resolve("dev/null"), host.canary().resolve("secret").toString());
        EscapeHost.Outcome outcome = host.run(Setup.probe("cat", "/proc/interrupts").root(root));
        return EscapeHost.told(outcome.text());
    }

    private static Optional<String> console(EscapeHost host) throws Exception {
        Path root = host.newRoot();
        String secret = host.canary().resolve("secret").toString();
        leak(root.resolve("dev/pts/0"), secret);
        leak(root.resolve("dev/console"), secret);
        Setup setup = Setup.probe("open", "/dev/console", "r", "--", "tty").root(root);
        setup.tty = true;
        EscapeHost.Outcome outcome = host.run(setup);
        return outcome.text().contains("tty 0 0 controlling")
                ? notATerminal(host, root)
                : Optional.of("no terminal: " + outcome);
    }

    /** What a terminal answers to read(2) is not what the file holds. */
    private static Optional<String> notATerminal(EscapeHost host, Path root) throws Exception {
        Setup setup =
                Setup.program("/probe", "write-bytes", "/dev/console", "1", "--", "true")
                        .root(root);
        setup.tty = true;
        host.run(setup);
        return host.touched();
    }

    private static Optional<String> ownDev(EscapeHost host) throws Exception {
        Path root = host.newRoot();
        for (String name : List.of("shm", "pts", "mqueue")) {
            leak(root.resolve("dev").resolve(name), "/elsewhere");
        }
        Files.createDirectories(root.resolve("elsewhere"));
        EscapeHost.Outcome outcome =
                host.run(
                        Setup.probe(
                                        "write-bytes",
                                        "/dev/shm/made",
                                        "1",
                                        "--",
                                        "open",
                                        "/dev/pts/ptmx",
                                        "rw")
                                .root(root));
        if (Files.exists(root.resolve("elsewhere/made"))) {
            return Optional.of("/dev/shm is the image's");
        }
        return outcome.values("write").equals(List.of("OK"))
                        && outcome.values("/dev/pts/ptmx").equals(List.of("OK"))
                ? Optional.empty()
                : Optional.of("not its own /dev: " + outcome);
    }
}
