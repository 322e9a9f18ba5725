package dev.berth.gpu.health;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;

final class ProcessOwnerTest {
    private static final String ID = "0123456789abcdef".repeat(4);

    @TempDir Path proc;

    private ProcessOwner owner() {
        return new ProcessOwner(proc, "berth-1a2b3c4d");
    }

    private void cgroup(int pid, String text) throws IOException {
        Path directory = Files.createDirectories(proc.resolve(Integer.toString(pid)));
        Files.writeString(directory.resolve("cgroup"), text, StandardCharsets.UTF_8);
    }

    @Test
    void theContainersCgroupNamesTheOwner() throws IOException {
        cgroup(10, "0::/berth-1a2b3c4d/c/" + ID + "\n");
        cgroup(
                11,
                "12:devices:/x\n1:name=systemd:/\n0::/berth-1a2b3c4d/c/" + ID + "/nested/deep\n");
        cgroup(12, "0::/berth-1a2b3c4d/c/" + ID + " (deleted)\n");
        for (int pid : new int[] {10, 11, 12}) {
            assertThat(owner().of(pid).orElseThrow().value()).as("pid " + pid).isEqualTo(ID);
        }
        assertThat(
                        new ProcessOwner(proc, "/system.slice/berth.slice/")
                                .parse("0::/system.slice/berth.slice/c/" + ID))
                .isPresent();
    }

    @Test
    void foreignAndVanishedProcessesHaveNone() throws IOException {
        cgroup(20, "0::/berth-1a2b3c4d/agent\n");
        cgroup(21, "0::/other/c/" + ID + "\n");
        cgroup(22, "0::/berth-1a2b3c4d/c/short\n");
        cgroup(23, "1:devices:/berth-1a2b3c4d/c/" + ID + "\n");
        cgroup(24, "");
        cgroup(25, "0::/berth-1a2b3c4d/c/../c/" + ID + "\n");
        for (int pid : new int[] {20, 21, 22, 23, 24, 25, 404, 0, -1, Integer.MAX_VALUE}) {
            assertThat(owner().of(pid)).as("pid " + pid).isEmpty();
        }
        assertThat(
                        new ProcessOwner(Path.of("/proc"), "berth-none")
                                .of((int) ProcessHandle.current().pid()))
                .isEmpty();
    }

    @Test
    void noTextBreaksIt() {
        Random random = new Random(3);
        for (int i = 0; i < 20_000; i++) {
            byte[] bytes = new byte[random.nextInt(200)];
            random.nextBytes(bytes);
            String noise = new String(bytes, StandardCharsets.UTF_8);
            owner().parse(noise);
            owner().parse("0::/berth-1a2b3c4d/c/" + noise);
        }
    }
}
