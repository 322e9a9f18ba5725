package dev.berth.tests.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import dev.berth.containerizer.image.ImageReference;
import dev.berth.containerizer.image.archive.OciImageWriter;
import dev.berth.containerizer.image.store.CountingProxy;
import dev.berth.containerizer.image.store.DebianImage;
import dev.berth.containerizer.image.store.RealRegistry;
import dev.berth.tests.conformance.DockerCli.Result;
import dev.berth.tests.kit.AgentProcess;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/** The docker command line pulls a Debian image of several layers through an agent from Debian's own registry server. */
@Tag("conformance")
@Timeout(180)
class RegistryPullTest {
    /** Manifests, headers, and what was in the sockets' buffers when the agent died. */
    private static final long SLACK_BYTES = 6 << 20;

    @TempDir static Path shared;
    private static RealRegistry registry;
    private static long imageBytes;

    private AgentProcess agent;
    private DockerCli docker;

    @BeforeAll
    static void push() throws Exception {
        registry = RealRegistry.start(shared.resolve("registry"));
        OciImageWriter image = DebianImage.image();
        imageBytes =
                image.layout(Optional.empty()).values().stream().mapToLong(b -> b.length).sum();
        Path layout = shared.resolve("layout");
        image.writeLayout(layout, Optional.of(ImageReference.parse("debian:test")));
        RealRegistry.run(
                "skopeo",
                "copy",
                "--dest-tls-verify=false",
                "oci:" + layout,
                "docker://127.0.0.1:" + registry.port() + "/library/debian:test");
    }

    @AfterAll
    static void stop() {
        registry.close();
    }

    @BeforeEach
    void start(@TempDir Path directory) throws Exception {
        agent = AgentProcess.start(directory.resolve("a"));
        docker = new DockerCli(agent.socket(), directory);
    }

    /** Removed by the agent, since JUnit warns about every link of a Debian root. */
    @AfterEach
    void removeAll() throws Exception {
        for (String id : docker.run("images", "-q").out().split("\n")) {
            if (!id.isBlank()) {
                docker.run("rmi", "-f", id);
            }
        }
        agent.close();
    }

    private static Result ok(Result result) {
        assertThat(result.code()).as(result.out() + result.err()).isZero();
        return result;
    }

    private void assertRuns(String name) throws Exception {
        Result ran =
                ok(
                        docker.run(
                                "run",
                                "--rm",
                                "--network=none",
                                name,
                                "bash",
                                "-c",
                                ". /etc/os-release; echo $ID; cat /etc/motd; dpkg --version | head -1"));
        assertThat(ran.out()).startsWith("debian\nberth\nDebian 'dpkg'");
    }

    @Test
    void aPulledImageIsListedAndRuns() throws Exception {
        String name = "127.0.0.1:" + registry.port() + "/library/debian:test";
        Result pulled = ok(docker.run("pull", name));
        assertThat(pulled.out())
                .contains("Pull complete", "Digest: sha256:", "Downloaded newer image for " + name);
        assertThat(ok(docker.run("images", "--format", "{{.Repository}}:{{.Tag}}")).out().strip())
                .isEqualTo(name);
        assertRuns(name);
        assertThat(ok(docker.run("pull", name)).out()).contains("Image is up to date for " + name);
    }

    @Test
    void aPullThatTheAgentsDeathCutShortGoesOnWhereItWas() throws Exception {
        try (CountingProxy proxy = new CountingProxy(registry.port())) {
            String name = "127.0.0.1:" + proxy.port() + "/library/debian:test";
            proxy.holdAt(imageBytes / 2);
            Process pull = docker.start("pull", name);
            proxy.awaitHeld();
            agent.kill();
            pull.getInputStream().readAllBytes();
            assertThat(pull.waitFor()).isNotZero();
            proxy.holdAt(Long.MAX_VALUE);
            agent.restart(List.of());
            assertThat(ok(docker.run("images", "-q")).out()).isEmpty();
            ok(docker.run("pull", name));
            assertRuns(name);
            assertThat(proxy.served()).isBetween(imageBytes, imageBytes + SLACK_BYTES);
        }
    }
}
