package dev.berth.agent.cli.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.berth.agent.cli.args.ArgumentParser;
import dev.berth.agent.cli.args.UsageException;
import dev.berth.agent.cli.json.Json;
import dev.berth.agent.cli.session.Cli;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

class CreateBodyTest {
    @TempDir Path directory;

    private static Json body(String... words) throws UsageException, IOException {
        PrintStream nowhere =
                new PrintStream(new ByteArrayOutputStream(), false, StandardCharsets.UTF_8);
        Cli cli =
                new Cli(
                        new ByteArrayInputStream(new byte[0]),
                        nowhere,
                        nowhere,
                        Map.of("LANG", "C", "EMPTY", ""));
        RunVerb run = new RunVerb(RunVerb.Kind.RUN);
        return CreateBody.of(cli, ArgumentParser.parse(run.spec(), List.of(words)), true);
    }

    @Test
    void whatIsNotSaidIsLeftOut() throws UsageException, IOException {
        Json body = body("debian");
        assertThat(body.at("HostConfig").members()).isEmpty();
        assertThat(body.members().keySet())
                .containsExactly(
                        "Image",
                        "Tty",
                        "OpenStdin",
                        "StdinOnce",
                        "AttachStdin",
                        "AttachStdout",
                        "AttachStderr",
                        "HostConfig");
    }

    @Test
    void gpusAndCdiNamesAreDeviceRequestsAndPathsAreDevices() throws UsageException, IOException {
        Json host =
                body("--gpus", "2", "--device", "nvidia.com/gpu=0", "--device", "/dev/fuse", "x")
                        .at("HostConfig");
        assertThat(host.at("DeviceRequests").items()).hasSize(2);
        assertThat(host.at("DeviceRequests").items().get(0).at("Count").number()).isEqualTo(2);
        assertThat(host.at("DeviceRequests").items().get(1).toString())
                .isEqualTo("{\"Driver\":\"cdi\",\"DeviceIDs\":[\"nvidia.com/gpu=0\"]}");
        assertThat(host.at("Devices").items()).hasSize(1);
    }

    @Test
    void commandUserAndEnvironment() throws UsageException, IOException {
        Path file = directory.resolve("env");
        Files.writeString(file, "# comment\n\nA=1\nLANG\nUNSET\n", StandardCharsets.UTF_8);
        Json body =
                body(
                        "-it",
                        "-u",
                        "nobody",
                        "-w",
                        "/tmp",
                        "-e",
                        "B=2",
                        "-e",
                        "LANG",
                        "-e",
                        "UNSET",
                        "--env-file",
                        file.toString(),
                        "--entrypoint",
                        "/x",
                        "debian",
                        "ls",
                        "-l");
        assertThat(body.at("Cmd").texts()).containsExactly("ls", "-l");
        assertThat(body.at("Entrypoint").texts()).containsExactly("/x");
        assertThat(body.at("Env").texts()).containsExactly("A=1", "LANG=C", "B=2", "LANG=C");
        assertThat(body.at("Tty").truth()).isTrue();
        assertThat(body.at("StdinOnce").truth()).isTrue();
        assertThat(body.at("User").text()).isEqualTo("nobody");
        assertThat(body.at("WorkingDir").text()).isEqualTo("/tmp");
    }

    @Test
    void limitsAreConverted() throws UsageException, IOException {
        Json host =
                body(
                                "-m",
                                "64m",
                                "--memory-swap",
                                "-1",
                                "--cpus",
                                "1.5",
                                "--pids-limit",
                                "10",
                                "--ulimit",
                                "nofile=10:20",
                                "--ulimit",
                                "core=0",
                                "--device-read-bps",
                                "/dev/sda:1mb",
                                "x")
                        .at("HostConfig");
        assertThat(host.at("Memory").number()).isEqualTo(64 << 20);
        assertThat(host.at("MemorySwap").number()).isEqualTo(-1);
        assertThat(host.at("NanoCpus").number()).isEqualTo(1_500_000_000);
        assertThat(host.at("PidsLimit").number()).isEqualTo(10);
        assertThat(host.at("Ulimits").toString())
                .isEqualTo(
                        "[{\"Name\":\"nofile\",\"Soft\":10,\"Hard\":20},{\"Name\":\"core\",\"Soft\":0,\"Hard\":0}]");
        assertThat(host.at("BlkioDeviceReadBps").toString())
                .isEqualTo("[{\"Path\":\"/dev/sda\",\"Rate\":1048576}]");
    }

    @Test
    void filesAndDevices() throws UsageException, IOException {
        Json host =
                body(
                                "-v",
                                "/a:/b:ro",
                                "-v",
                                "./c:/d",
                                "--mount",
                                "type=tmpfs,dst=/t,tmpfs-size=1m,tmpfs-mode=1777",
                                "--mount",
                                "type=bind,src=/a,target=/m,ro,bind-recursive=disabled",
                                "--tmpfs",
                                "/run:size=1m",
                                "--tmpfs",
                                "/x",
                                "--device",
                                "/dev/fuse:/dev/f:r",
                                "--read-only",
                                "x")
                        .at("HostConfig");
        assertThat(host.at("Binds").texts())
                .containsExactly("/a:/b:ro", Path.of("c").toAbsolutePath() + ":/d");
        assertThat(host.at("Mounts").toString())
                .isEqualTo(
                        "[{\"Type\":\"tmpfs\",\"Target\":\"/t\",\"TmpfsOptions\":{\"SizeBytes\":1048576,\"Mode\":1023}},"
                                + "{\"Type\":\"bind\",\"Source\":\"/a\",\"Target\":\"/m\",\"ReadOnly\":true,\"BindOptions\":{\"NonRecursive\":true}}]");
        assertThat(host.at("Tmpfs").toString()).isEqualTo("{\"/run\":\"size=1m\",\"/x\":\"\"}");
        assertThat(host.at("Devices").items().get(0).at("CgroupPermissions").text()).isEqualTo("r");
        assertThat(host.at("ReadonlyRootfs").truth()).isTrue();
    }

    @Test
    void aSeccompProfileIsReadHere() throws UsageException, IOException {
        Path profile = directory.resolve("profile.json");
        Files.writeString(profile, "{\"x\":1}", StandardCharsets.UTF_8);
        Json host =
                body(
                                "--security-opt",
                                "seccomp=" + profile,
                                "--security-opt",
                                "seccomp=unconfined",
                                "--security-opt",
                                "no-new-privileges",
                                "x")
                        .at("HostConfig");
        assertThat(host.at("SecurityOpt").texts())
                .containsExactly("seccomp={\"x\":1}", "seccomp=unconfined", "no-new-privileges");
    }

    @Test
    void aRootDirectoryStandsForTheImage() throws UsageException, IOException {
        Json body = body("--rootfs", "/srv/../srv/root", "--require", "memory,cpu", "/bin/sh");
        assertThat(body.at("Berth").toString())
                .isEqualTo("{\"Rootfs\":\"/srv/root\",\"Required\":[\"memory\",\"cpu\"]}");
        assertThat(body.at("Image").isNull()).isTrue();
        assertThat(body.at("Cmd").texts()).containsExactly("/bin/sh");
        assertThatThrownBy(() -> body("--rm")).hasMessageContaining("IMAGE");
    }

    @Test
    void restartPoliciesAreTakenApart() throws UsageException, IOException {
        assertThat(body("--restart", "on-failure:3", "x").at("HostConfig", "RestartPolicy"))
                .hasToString("{\"Name\":\"on-failure\",\"MaximumRetryCount\":3}");
        assertThatThrownBy(() -> body("--rm", "--restart", "always", "x"))
                .hasMessageContaining("contradict");
    }

    @ParameterizedTest
    @CsvSource({
        "512, 512",
        "1k, 1024",
        "1.5g, 1610612736",
        "64KiB, 65536",
        "2M, 2097152",
        "0.5k, 512"
    })
    void sizesHaveUnits(String text, long bytes) throws UsageException {
        assertThat(Sizes.bytes("memory", text)).isEqualTo(bytes);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "m", "1x", "-1", "1..2k", "99999999999t", "1 k"})
    void whatIsNoSizeIsRefused(String text) {
        assertThatThrownBy(() -> Sizes.bytes("memory", text))
                .isInstanceOf(UsageException.class)
                .hasMessageContaining("--memory");
    }

    @ParameterizedTest
    @ValueSource(strings = {"/dev/a:/b:/c:r", "dev", "/dev/a:rwx"})
    void whatIsNoDeviceIsRefused(String text) {
        assertThatThrownBy(() -> Devices.device(text)).hasMessageContaining("--device");
    }
}
