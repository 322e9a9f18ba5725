package dev.berth.agent.cli.doctor;

import static org.assertj.core.api.Assertions.assertThat;

import dev.berth.agent.cli.doctor.Finding.Area;

import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

class DoctorTest {
    @Test
    void mountsAreFoundByTypeAndController() {
        List<String> mountInfo =
                List.of(
                        "31 25 0:27 / /sys/fs/cgroup/memory rw,relatime shared:9 - cgroup cgroup rw,memory",
                        "40 25 0:30 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu,cpuacct",
                        "41 25 0:31 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw,nsdelegate");
        assertThat(CgroupCheck.mountOf(mountInfo, "cgroup2", ""))
                .contains(Path.of("/sys/fs/cgroup/unified"));
        assertThat(CgroupCheck.mountOf(mountInfo, "cgroup", "cpu"))
                .contains(Path.of("/sys/fs/cgroup/cpu"));
        assertThat(CgroupCheck.mountOf(mountInfo, "cgroup", "pids")).isEmpty();
    }

    @Test
    void theProbesLinesAreRead() {
        assertThat(KernelCheck.parse("feature a OK\nfeature b EPERM\nnoise\nfeature c\n"))
                .containsOnlyKeys("a", "b")
                .containsEntry("b", "EPERM");
    }

    @Test
    void theTestPackagesAreThoseThatTheScriptInstalls() throws IOException {
        Matcher list =
                Pattern.compile("berth_test_packages=\\(([^)]*)\\)")
                        .matcher(
                                Files.readString(
                                        Path.of("..", ".ci", "env.sh"), StandardCharsets.UTF_8));
        assertThat(list.find()).isTrue();
        List<String> installed =
                list.group(1)
                        .strip()
                        .lines()
                        .flatMap(line -> Stream.of(line.strip().split(" ")))
                        .map(pair -> pair.split(":")[0])
                        .toList();
        assertThat(PackageCheck.testPackages()).containsExactlyInAnyOrderElementsOf(installed);
    }

    @Test
    void onlyWhatContainersNeedCounts() {
        Finding useful = Finding.of(Area.KERNEL, "x", false, "ENOSYS", "slower", "newer kernel");
        assertThat(useful.stopsContainers()).isFalse();
        assertThat(useful.whenNeeded().stopsContainers()).isTrue();
        assertThat(Finding.of(Area.KERNEL, "x", true, "", "", "").whenNeeded().stopsContainers())
                .isFalse();
        assertThat(DoctorVerb.text(List.of(useful), false))
                .contains("  no     x  ENOSYS\n")
                .contains("without it: slower\n")
                .contains("fix:        newer kernel\n");
        assertThat(useful.json().toString())
                .isEqualTo(
                        "{\"Area\":\"kernel\",\"Name\":\"x\",\"State\":\"missing\",\"Needed\":false,"
                                + "\"Detail\":\"ENOSYS\",\"Cost\":\"slower\",\"Fix\":\"newer kernel\"}");
    }
}
