package dev.berth.tests.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import dev.berth.containerizer.image.store.DebianImage;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/** {@code berth dist}: its archive runs on a machine that has nothing of ours, here a Debian root without Java in a mount namespace of its own. */
@Tag("conformance")
@Timeout(240)
class DistTest {
    private static final long MOST_BYTES = 45L << 20;

    /** Makes the bare machine: a writable layer over the Debian root, the kernel's file systems, and the archive unpacked. */
    private static final String BARE_MACHINE =
            """
            set -e
            mount --make-rprivate /
            mount -t tmpfs tmpfs "$SCRATCH"
            mkdir "$SCRATCH/upper" "$SCRATCH/work" "$SCRATCH/root"
            mount -t overlay overlay -o "lowerdir=$DEBIAN,upperdir=$SCRATCH/upper,workdir=$SCRATCH/work" "$SCRATCH/root"
            cd "$SCRATCH/root"
            mkdir -p old opt
            tar xzf "$ARCHIVE" -C opt
            for d in proc sys dev; do mount --rbind /$d $d; done
            mount -t tmpfs tmpfs tmp
            mount -t tmpfs tmpfs run
            pivot_root . old
            umount -l old
            cd /
            ! command -v java
            exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root sh -c '
                /opt/berth-*/bin/berth version &&
                /opt/berth-*/bin/berth quickstart'
            """;

    @TempDir Path directory;

    private static Path checkout() {
        return Path.of("").toAbsolutePath().getParent().getParent();
    }

    /** The jars of agent and master with all that they need, as {@code ./berth} runs them. */
    private Path jars() throws IOException {
        Path jars = Files.createDirectory(directory.resolve("jars"));
        for (String module : List.of("agent-runtime", "master-lite/server")) {
            Path target = checkout().resolve(module).resolve("target");
            assertThat(target.resolve("lib"))
                    .as("the packaged " + module + ": this test runs in mvn verify")
                    .isDirectory();
            for (Path from : List.of(target, target.resolve("lib"))) {
                try (Stream<Path> all = Files.list(from)) {
                    for (Path jar : all.filter(p -> p.toString().endsWith(".jar")).toList()) {
                        if (!jar.toString().endsWith("-tests.jar")) {
                            // What both need is the same jar.
                            Files.copy(
                                    jar,
                                    jars.resolve(jar.getFileName()),
                                    StandardCopyOption.REPLACE_EXISTING);
                        }
                    }
                }
            }
        }
        return jars;
    }

    private String run(Map<String, String> environment, String... command)
            throws IOException, InterruptedException {
        Path output = Files.createTempFile(directory, "output", "");
        ProcessBuilder builder =
                new ProcessBuilder(command)
                        .redirectErrorStream(true)
                        .redirectOutput(output.toFile());
        builder.environment().putAll(environment);
        Process process = builder.start();
        process.getOutputStream().close();
        if (!process.waitFor(150, TimeUnit.SECONDS)) {
            process.destroyForcibly().waitFor();
        }
        String text = Files.readString(output, StandardCharsets.UTF_8);
        assertThat(process.exitValue()).as(text).isZero();
        return text;
    }

    @Test
    void itsArchiveRunsOnAMachineWithNothingOfOurs() throws Exception {
        Path archive = directory.resolve("berth.tar.gz");
        run(
                Map.of(
                        "JAVA_HOME",
                        System.getProperty("java.home"),
                        "JARS",
                        jars().toString(),
                        "ARCHIVE",
                        archive.toString(),
                        "berth_root",
                        checkout().toString()),
                "bash",
                "-euc",
                ". $berth_root/.ci/env.sh; . $berth_root/.ci/dist.sh; berth_need_jdk; berth_read_jvm_flags; berth_class_path=\"$JARS/*\"; berth_dist -o $ARCHIVE");
        assertThat(Files.size(archive)).isLessThan(MOST_BYTES);
        String told =
                run(
                        Map.of(
                                "DEBIAN",
                                DebianImage.root().toString(),
                                "SCRATCH",
                                Files.createDirectory(directory.resolve("scratch")).toString(),
                                "ARCHIVE",
                                archive.toString()),
                        "unshare",
                        "--mount",
                        "bash",
                        "-c",
                        BARE_MACHINE);
        assertThat(told)
                .contains("Berth")
                .contains("process       pid 1, parent 0, user 0:0")
                .contains("seccomp       filter (mode 2)")
                .contains("before clone3");
        QuickstartTest.assertJobsTimeline(told);
    }
}
