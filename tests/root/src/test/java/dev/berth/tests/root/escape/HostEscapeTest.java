package dev.berth.tests.root.escape;

import static org.assertj.core.api.Assertions.assertThat;

import dev.berth.isolator.ContainerConfig.MountSpec.Tmpfs;
import dev.berth.isolator.ContainerConfig.Namespaces.NetworkMode;
import dev.berth.isolator.ContainerId;
import dev.berth.linux.Fd;
import dev.berth.linux.Linux;
import dev.berth.linux.OwnedFd;
import dev.berth.linux.Poll;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;

/** Containers that share namespaces with the host, processes that will not end, and numbers that come back: sockets (CVE-2020-15257), leftovers of a kill, pid reuse, sizes (CVE-2021-43784). */
final class HostEscapeTest extends AttackTest {
    private static final int SIGKILL = 9;
    private static final int DAEMONS = 3;
    private static final long PATIENCE_NS = 1_000_000_000L;

    @Override
    List<Attack> attacks() {
        return List.of(
                new Attack(
                        "connect to a monitor from the host's network",
                        NaiveHost.execRootInside(),
                        HostEscapeTest::monitorSocket),
                new Attack(
                        "outlive the kill of a container that shares the host's processes",
                        Defence.kernel("cgroup.kill", NaiveLinux.cgroupKill()),
                        HostEscapeTest::outlive));
    }

    private static Optional<String> monitorSocket(EscapeHost host) throws Exception {
        Set<String> before = abstractNames();
        ContainerId other = host.startReady(Setup.probe("sleep-until-signal"));
        Path socket =
                host.directory.resolve("exec/c").resolve(other.value()).resolve("monitor.sock");
        assertThat(socket).exists();
        Setup attacker =
                Setup.probe(
                        "open",
                        socket.toString(),
                        "--",
                        "connect",
                        NaiveHost.EXEC_ROOT + "/c/" + other.value() + "/monitor.sock",
                        "--",
                        "cat",
                        "/proc/net/unix");
        attacker.network = NetworkMode.HOST;
        EscapeHost.Outcome outcome = host.run(attacker);
        Set<String> names = abstractNames(outcome.text().lines());
        assertThat(outcome.text()).contains("RefCount");
        names.removeAll(before);
        names.removeIf(n -> !n.contains("berth"));
        if (!names.isEmpty()) {
            return Optional.of("abstract sockets " + names);
        }
        assertThat(outcome.values(socket.toString())).containsExactly("ENOENT");
        return outcome.values("connect").equals(List.of("ENOENT"))
                ? Optional.empty()
                : Optional.of("connect: " + outcome.values("connect"));
    }

    private static Set<String> abstractNames() throws IOException {
        try (Stream<String> lines = Files.lines(Path.of("/proc/net/unix"))) {
            return abstractNames(lines);
        }
    }

    private static Set<String> abstractNames(Stream<String> lines) {
        Set<String> names = new HashSet<>();
        lines.filter(l -> l.contains(" @"))
                .forEach(l -> names.add(l.substring(l.indexOf(" @") + 1)));
        return names;
    }

    /** The daemons have sessions of their own, are nobody's children, and no signal but KILL reaches them; their numbers are the host's. */
    private static Optional<String> outlive(EscapeHost host) throws Exception {
        List<String> commands = new ArrayList<>();
        for (int i = 0; i < DAEMONS; i++) {
            commands.addAll(List.of("leave-daemon", "--"));
        }
        commands.add("sleep-until-signal");
        Setup setup = Setup.probe(commands.toArray(String[]::new));
        setup.hostPid = true;
        ContainerId id = host.startReady(setup);
        List<OwnedFd> daemons = new ArrayList<>();
        try {
            for (int pid : host.kit.containerizer.processes(id)) {
                daemons.add(Linux.host().processes().pidfdOpen(pid).orElseThrow());
            }
            assertThat(daemons).hasSize(DAEMONS + 1);
            host.kit.containerizer.kill(id);
            int alive = 0;
            long deadline = System.nanoTime() + PATIENCE_NS;
            for (OwnedFd daemon : daemons) {
                int left = (int) Math.max(0, (deadline - System.nanoTime()) / 1_000_000);
                if (Linux.host().processes().poll(daemon, Poll.POLLIN, left) == 0) {
                    alive++;
                    Linux.host().processes().pidfdSendSignal(daemon, SIGKILL);
                }
            }
            host.finish(id);
            return alive == 0 ? Optional.empty() : Optional.of(alive + " processes live on");
        } finally {
            daemons.forEach(OwnedFd::close);
        }
    }

    /**
     * A container's process has ended and its number belongs to somebody else before the agent has heard of it: a signal of the agent must go nowhere. What it would do by number is shown afterwards, so there is no
     * off-position to switch to.
     */
    @Test
    void signalsNeverReachAReusedNumber(@TempDir Path directory) throws Exception {
        try (EscapeHost host = new EscapeHost(directory, Defence.NONE)) {
            ContainerId id = host.startReady(Setup.probe("sleep-until-signal"));
            int pid = host.kit.containerizer.processes(id).getFirst();
            try (OwnedFd init = host.kit.linux.processes().pidfdOpen(pid).orElseThrow()) {
                host.kit.linux.processes().pidfdSendSignal(init, SIGKILL);
                host.kit.linux.processes().poll(init, Poll.POLLIN, 5000);
            }
            awaitFree(host, pid);
            int stranger = strangerWithNumber(host, pid);
            try (OwnedFd alive = host.kit.linux.processes().pidfdOpen(stranger).orElseThrow()) {
                host.kit.containerizer.signal(id, SIGKILL);
                host.kit.containerizer.kill(id);
                host.finish(id);
                assertThat(host.kit.containerizer.signal(id, SIGKILL)).isFalse();
                assertThat(host.kit.linux.processes().poll(alive, Poll.POLLIN, 200)).isZero();
                // By number it is hit.
                assertThat(ProcessHandle.of(pid).orElseThrow().destroyForcibly()).isTrue();
                assertThat(host.kit.linux.processes().poll(alive, Poll.POLLIN, 5000)).isPositive();
            } finally {
                host.kit.until("reaped", () -> reaped(host, stranger));
            }
        }
    }

    private static boolean reaped(EscapeHost host, int pid) {
        try {
            return host.kit.linux.processes().waitChild(pid).isPresent();
        } catch (dev.berth.linux.ErrnoException e) {
            throw new AssertionError(e);
        }
    }

    /** Until the monitor has reaped it; the agent is not asked in between. */
    private static void awaitFree(EscapeHost host, int pid) throws Exception {
        try (OwnedFd never = host.kit.linux.files().eventfd()) {
            for (int i = 0; i < 1000 && Files.exists(Path.of("/proc/" + pid)); i++) {
                host.kit.linux.processes().poll(never, Poll.POLLIN, 5);
            }
        }
        assertThat(Path.of("/proc/" + pid)).doesNotExist();
    }

    /** The kernel gives the number after the last one that it gave, and lets root say which that was. */
    private static int strangerWithNumber(EscapeHost host, int wanted) throws Exception {
        Linux linux = host.kit.linux;
        for (int i = 0; i < 200; i++) {
            try (OwnedFd program =
                            linux.files()
                                    .openat(Fd.CWD, host.root().resolve("probe").toString(), 0, 0);
                    OwnedFd none = linux.files().openat(Fd.CWD, "/dev/null", 2, 0)) {
                Files.writeString(
                        Path.of("/proc/sys/kernel/ns_last_pid"), Integer.toString(wanted - 1));
                int got =
                        linux.processes()
                                .posixSpawn(
                                        program,
                                        List.of("probe", "sleep-until-signal", "--ignore-term"),
                                        List.of(),
                                        List.of(none, none, none));
                if (got == wanted) {
                    return got;
                }
                ProcessHandle.of(got).ifPresent(ProcessHandle::destroyForcibly);
                host.kit.linux.processes().pidfdOpen(got).ifPresent(fd -> ended(linux, fd));
                linux.processes().waitChild(got);
            }
        }
        throw new AssertionError("others took the number " + wanted + " each time");
    }

    private static void ended(Linux linux, OwnedFd process) {
        try (process) {
            linux.processes().poll(process, Poll.POLLIN, 5000);
        } catch (dev.berth.linux.ErrnoException e) {
            throw new AssertionError(e);
        }
    }

    /** Too long, too many, too large: a sentence, no crash and no wrap-around; then the next container runs, by the same spawner. The format's lengths are fuzzed beside the shim, which is what could be switched off. */
    @Test
    void excessIsRefusedInASentence(@TempDir Path directory) throws Exception {
        try (EscapeHost host = new EscapeHost(directory, Defence.NONE)) {
            int spawner = host.kit.containerizer.spawnerPid();
            String deep = "/d".repeat(40_000);
            Setup longTarget = Setup.probe("true");
            longTarget.mounts.add(new Tmpfs(deep, 0, 0755, 0, 0, false, false));
            refused(host.run(longTarget), "path");
            refused(host.run(Setup.probe("true").cwd(deep)), "path");
            refused(host.run(Setup.program("/" + "p".repeat(70_000))), "ENAMETOOLONG");
            refused(host.run(Setup.probe("echo", "x".repeat(2 << 20))), "is larger than 1048576");
            Setup many = Setup.probe("true");
            for (int i = 0; i < 5_000; i++) {
                many.mounts.add(new Tmpfs("/m/" + i, 0, 0755, 0, 0, false, false));
            }
            refused(host.run(many), "use fewer mounts");
            Setup fair = Setup.probe("report");
            for (int i = 0; i < 60; i++) {
                fair.mounts.add(new Tmpfs("/m/" + i, 4096, 0755, 0, 0, false, false));
            }
            assertThat(host.run(fair).values("mount"))
                    .filteredOn(m -> m.startsWith("/m/"))
                    .hasSize(60);
            assertThat(host.run(Setup.probe("echo", "fine")).text()).isEqualTo("fine\n");
            assertThat(host.kit.containerizer.spawnerPid()).isEqualTo(spawner);
        }
    }

    private static void refused(EscapeHost.Outcome outcome, String word) {
        assertThat(outcome.started()).isFalse();
        assertThat(outcome.text()).contains(word).hasSizeBetween(10, 1000);
    }
}
