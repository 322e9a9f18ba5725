package dev.berth.tests.root.escape;

import static org.assertj.core.api.Assertions.assertThat;

import dev.berth.isolator.ContainerId;
import dev.berth.linux.ErrnoException;
import dev.berth.linux.Fd;
import dev.berth.linux.Open;
import dev.berth.linux.OwnedFd;
import dev.berth.linux.Poll;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;

/** CVE-2019-5736: the program that enters containers is overwritten from inside one. */
final class ExecutableEscapeTest extends AttackTest {
    private static final int EXECS = 60;
    private static final int SIGKILL = 9;
    private static final byte[] ELF = {0x7f};

    @Override
    List<Attack> attacks() {
        return List.of(
                new Attack(
                        "write to the shim when nobody runs it",
                        Defence.kernel("seals", NaiveLinux.unsealedShim()),
                        ExecutableEscapeTest::overwriteLater));
    }

    /** The strongest attacker there can be: root of the host, who kept a descriptor of the shim until no process executes it any more. Content that is the same as before is written. */
    private static Optional<String> overwriteLater(EscapeHost host) throws Exception {
        int spawner = host.kit.containerizer.spawnerPid();
        Optional<String> got;
        try (OwnedFd shim = open("/proc/" + spawner + "/exe", Open.O_RDONLY, host);
                OwnedFd pidfd = host.kit.linux.processes().pidfdOpen(spawner).orElseThrow()) {
            host.kit.linux.processes().pidfdSendSignal(pidfd, SIGKILL);
            // Nothing is polled here, so no other spawner comes before the attack is over.
            host.kit.linux.processes().poll(pidfd, Poll.POLLIN, 5000);
            got = overwrite(shim, host);
        }
        host.kit.until("another spawner", () -> host.kit.containerizer.spawnerPid() != spawner);
        return got;
    }

    private static Optional<String> overwrite(OwnedFd shim, EscapeHost host) {
        try (OwnedFd written = open("/proc/self/fd/" + shim.number(), Open.O_WRONLY, host)) {
            host.kit.linux.files().writeAll(written, ELF);
            return Optional.of("the shim was written to");
        } catch (ErrnoException e) {
            return Optional.empty();
        }
    }

    private static OwnedFd open(String path, int flags, EscapeHost host) throws ErrnoException {
        return host.kit.linux.files().openat(Fd.CWD, path, flags, 0);
    }

    /**
     * The attack as it was published: one process waits for others that enter the container and tries to keep and overwrite their program, while many enter, some of them by a script whose interpreter is {@code
     * /proc/self/exe}.
     *
     * <p>There is no single off-position: the entering process cannot be looked into (it is not dumpable, and has capabilities that the attacker has not), a running program cannot be written (ETXTBSY), and the memory is
     * sealed, which {@link #overwriteLater} takes by itself. That the attacker is at work is seen from what it sees.
     */
    @Test
    void enteringProgramsAreOutOfReach(@TempDir Path directory) throws Exception {
        try (EscapeHost host = new EscapeHost(directory, Defence.NONE)) {
            Path script = Files.writeString(host.root().resolve("script"), "#!/proc/self/exe\n");
            Files.setPosixFilePermissions(script, PosixFilePermissions.fromString("rwxr-xr-x"));
            String before = hash(host);
            ContainerId id = host.startReady(Setup.probe("overwrite-programs", "3"));
            for (int i = 0; i < EXECS; i++) {
                host.exec(id, List.of(i % 3 == 0 ? "/script" : "/probe", "true"), "/");
            }
            EscapeHost.Outcome attacker = host.finish(id);
            host.run(Setup.program("/script"));
            assertThat(attacker.values("seen").getFirst()).isNotEqualTo("0");
            assertThat(attacker.values("wrote")).containsExactly("0");
            assertThat(hash(host)).isEqualTo(before);
            assertThat(host.run(Setup.probe("echo", "fine")).text()).isEqualTo("fine\n");
        }
    }

    private static String hash(EscapeHost host) throws Exception {
        byte[] bytes =
                Files.readAllBytes(
                        Path.of("/proc/" + host.kit.containerizer.spawnerPid() + "/exe"));
        return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
    }

    /** The census of descriptors, which is the other half: there is nothing but the standard streams, in the first process and in an exec. */
    @Test
    void onlyStandardStreamsAreOpen(@TempDir Path directory) throws Exception {
        try (EscapeHost host = new EscapeHost(directory, Defence.NONE)) {
            ContainerId id = host.startReady(Setup.probe("fds", "--", "sleep-until-signal"));
            List<String> exec = host.exec(id, List.of("/probe", "fds"), "/").values("fd");
            List<String> init = host.kill(id).values("fd");
            assertThat(init).hasSize(3).extracting(l -> l.charAt(0)).containsExactly('0', '1', '2');
            assertThat(exec).hasSize(3).extracting(l -> l.charAt(0)).containsExactly('0', '1', '2');
        }
    }
}
