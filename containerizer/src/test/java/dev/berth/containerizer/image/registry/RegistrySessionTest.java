package dev.berth.containerizer.image.registry;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.berth.containerizer.image.Digest;
import dev.berth.containerizer.image.ImageException;
import dev.berth.containerizer.image.ImageException.Kind;
import dev.berth.containerizer.image.ImageReference;
import dev.berth.containerizer.image.Platform;
import dev.berth.containerizer.image.RegistryCredentials;
import dev.berth.containerizer.image.archive.OciImageWriter;
import dev.berth.containerizer.image.archive.OciImageWriter.Member;
import dev.berth.containerizer.image.manifest.ContentDigest;
import dev.berth.containerizer.image.manifest.Descriptor;
import dev.berth.containerizer.image.manifest.ManifestDocument;
import dev.berth.containerizer.image.manifest.MediaTypes;
import dev.berth.containerizer.image.registry.RegistrySession.BlobBody;
import dev.berth.containerizer.image.registry.RegistrySession.Fetched;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.net.http.HttpTimeoutException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

class RegistrySessionTest {
    private FaultyRegistry registry;
    private FaultyRegistry elsewhere;
    private byte[] manifest;

    @BeforeEach
    void start() throws Exception {
        registry = new FaultyRegistry();
        elsewhere = new FaultyRegistry("127.0.0.2");
        manifest =
                registry.add(
                        new OciImageWriter(Platform.host())
                                .layer(List.of(new Member.RegularFile("x", 0644, new byte[] {1}))),
                        "1");
    }

    @AfterEach
    void stop() {
        registry.close();
        elsewhere.close();
    }

    private RegistrySession session(Optional<RegistryCredentials> credentials) throws Exception {
        return session(credentials, FaultyRegistry.quick());
    }

    private RegistrySession session(
            Optional<RegistryCredentials> credentials, RegistryOptions options) throws Exception {
        return RegistrySession.open(
                ImageReference.parse(registry.host() + "/a/b:1"),
                credentials,
                options,
                CredentialHelper.NONE);
    }

    private static Optional<RegistryCredentials> ann() {
        return Optional.of(new RegistryCredentials("ann", "secret", Optional.empty()));
    }

    private static String basic() {
        return "Basic "
                + Base64.getEncoder().encodeToString("ann:secret".getBytes(StandardCharsets.UTF_8));
    }

    private Descriptor blob(byte[] bytes) {
        return new Descriptor(
                MediaTypes.OCI_LAYER,
                ContentDigest.of("sha256", bytes),
                bytes.length,
                Optional.empty(),
                Map.of());
    }

    @Test
    void aManifestComesWithTheDigestOfItsBytes() throws Exception {
        try (RegistrySession session = session(Optional.empty())) {
            Fetched fetched = session.manifest();
            assertThat(fetched.bytes()).isEqualTo(manifest);
            assertThat(fetched.digest()).isEqualTo(ContentDigest.of("sha256", manifest));
            assertThat(fetched.mediaType()).isEqualTo(MediaTypes.OCI_MANIFEST);
        }
    }

    /** RFC 6761: no name below {@code invalid} has an address. */
    @Test
    void aHostWithoutAnAddressIsNamed() throws Exception {
        try (RegistrySession session =
                RegistrySession.open(
                        ImageReference.parse("nosuchhost.invalid/x:1"),
                        Optional.empty(),
                        FaultyRegistry.quick(),
                        CredentialHelper.NONE)) {
            assertThatThrownBy(session::manifest)
                    .rootCause()
                    .hasMessageMatching("(host nosuchhost[.]invalid|proxy .+) has no address");
        }
    }

    @Test
    void aTokenIsFetchedOnceAndUsedForAll() throws Exception {
        requireToken("t-1");
        try (RegistrySession session = session(ann())) {
            session.manifest();
            session.manifest();
        }
        assertThat(registry.requests().stream().filter(r -> r.path().equals("/token")))
                .singleElement()
                .satisfies(r -> {
                    assertThat(r.authorization()).contains(basic());
                    assertThat(r.query().orElseThrow())
                            .contains("scope=repository:a/b:pull")
                            .contains("service=the registry, \"quoted\"");
                });
    }

    private void requireToken(String token) {
        registry.fault(exchange -> {
            if (exchange.path().equals("/token")) {
                FaultyRegistry.send(exchange, 200, "{\"access_token\":\"" + token + "\"}");
                return true;
            }
            String got = exchange.header("Authorization");
            if (("Bearer " + token).equals(got)) {
                return false;
            }
            exchange.answerHeader(
                    "WWW-Authenticate",
                    "Bearer realm=\"http://"
                            + registry.host()
                            + "/token\",service=\"the registry, \\\"quoted\\\"\",scope=\"repository:a/b:pull,push\"");
            FaultyRegistry.send(exchange, 401, "{}");
            return true;
        });
    }

    @Test
    void anIdentityTokenIsExchangedByPost() throws Exception {
        requireToken("t-2");
        try (RegistrySession session =
                session(Optional.of(new RegistryCredentials("", "", Optional.of("identity"))))) {
            session.manifest();
        }
        assertThat(registry.requests())
                .filteredOn(r -> r.path().equals("/token"))
                .singleElement()
                .satisfies(r -> {
                    assertThat(r.authorization()).isEmpty();
                    assertThat(r.query()).isEmpty();
                });
    }

    @Test
    void basicIsSentOnlyWhenAsked() throws Exception {
        registry.fault(exchange -> {
            if (basic().equals(exchange.header("Authorization"))) {
                return false;
            }
            exchange.answerHeader("WWW-Authenticate", "Basic realm=\"r\"");
            FaultyRegistry.send(exchange, 401, "{}");
            return true;
        });
        try (RegistrySession session = session(ann())) {
            session.manifest();
        }
        assertThat(registry.requests().getFirst().authorization()).isEmpty();
        assertThat(registry.requests().get(1).authorization()).contains(basic());
        try (RegistrySession session = session(Optional.empty())) {
            assertThatThrownBy(session::manifest)
                    .isInstanceOfSatisfying(
                            ImageException.class,
                            e -> assertThat(e.kind()).isEqualTo(Kind.UNAUTHORIZED))
                    .hasMessageContaining("docker login");
        }
    }

    @Test
    void storedCredentialsAreUsed(@TempDir Path directory) throws Exception {
        registry.fault(exchange -> {
            if (basic().equals(exchange.header("Authorization"))) {
                return false;
            }
            exchange.answerHeader("WWW-Authenticate", "Basic realm=\"r\"");
            FaultyRegistry.send(exchange, 401, "{}");
            return true;
        });
        Path file = directory.resolve("config.json");
        Files.writeString(
                file,
                "{\"auths\":{\""
                        + registry.host()
                        + "\":{\"auth\":\""
                        + basic().substring(6)
                        + "\"}}}");
        RegistryOptions options = FaultyRegistry.quick().withDockerConfig(Optional.of(file));
        try (RegistrySession session = session(Optional.empty(), options)) {
            assertThat(session.manifest().bytes()).isEqualTo(manifest);
        }
    }

    @Test
    void noCredentialsLeaveAlongARedirect() throws Exception {
        byte[] bytes = "content".getBytes(StandardCharsets.UTF_8);
        elsewhere.blob(bytes);
        registry.fault(exchange -> {
            if (!basic().equals(exchange.header("Authorization"))) {
                exchange.answerHeader("WWW-Authenticate", "Basic realm=\"r\"");
                FaultyRegistry.send(exchange, 401, "{}");
                return true;
            }
            if (exchange.path().contains("/blobs/")) {
                exchange.answerHeader("Location", "http://" + elsewhere.host() + exchange.path());
                FaultyRegistry.send(exchange, 307, "");
                return true;
            }
            return false;
        });
        try (RegistrySession session = session(ann())) {
            assertThat(session.blob(blob(bytes), 100)).isEqualTo(bytes);
            try (BlobBody body = session.openBlob(blob(bytes), 3)) {
                assertThat(body.offset()).isEqualTo(3);
                assertThat(body.body().readAllBytes())
                        .isEqualTo("tent".getBytes(StandardCharsets.UTF_8));
            }
        }
        assertThat(elsewhere.requests())
                .hasSize(2)
                .allSatisfy(r -> assertThat(r.authorization()).isEmpty());
    }

    @Test
    void redirectsInACircleEnd() throws Exception {
        registry.fault(exchange -> {
            exchange.answerHeader("Location", exchange.path());
            FaultyRegistry.send(exchange, 302, "");
            return true;
        });
        try (RegistrySession session = session(Optional.empty())) {
            assertThatThrownBy(session::manifest).hasMessageContaining("more than 10 redirects");
        }
    }

    @Test
    void tooManyRequestsIsWaitedForAsAsked() throws Exception {
        AtomicInteger count = new AtomicInteger();
        registry.fault(exchange -> {
            if (count.incrementAndGet() > 2) {
                return false;
            }
            exchange.answerHeader("Retry-After", "1");
            FaultyRegistry.send(exchange, 429, "{}");
            return true;
        });
        long start = System.nanoTime();
        try (RegistrySession session = session(Optional.empty())) {
            assertThat(session.manifest().bytes()).isEqualTo(manifest);
        }
        assertThat(System.nanoTime() - start).isGreaterThan(TimeUnit.MILLISECONDS.toNanos(1900));
    }

    @Test
    void aFlakyRegistryIsAskedFiveTimes() throws Exception {
        AtomicInteger count = new AtomicInteger();
        registry.fault(exchange -> {
            if (count.incrementAndGet() % 2 == 0) {
                FaultyRegistry.send(exchange, 503, "busy");
            }
            return true; // odd: the connection just ends
        });
        try (RegistrySession session = session(Optional.empty())) {
            assertThatThrownBy(session::manifest).isInstanceOf(ImageException.class);
        }
        // The JDK's client may repeat a GET by itself when a pooled connection ends.
        assertThat(count.get()).isBetween(5, 10);
    }

    @Test
    void whatIsNotThereSaysSo() throws Exception {
        try (RegistrySession session =
                RegistrySession.open(
                        ImageReference.parse(registry.host() + "/a/b:2"),
                        Optional.empty(),
                        FaultyRegistry.quick(),
                        CredentialHelper.NONE)) {
            assertThatThrownBy(session::manifest)
                    .isInstanceOfSatisfying(
                            ImageException.class,
                            e -> assertThat(e.kind()).isEqualTo(Kind.NOT_FOUND))
                    .hasMessageContaining("manifest unknown");
        }
        assertThat(registry.requests()).hasSize(1);
    }

    @Test
    void anOversizedManifestIsNotReadToItsEnd() throws Exception {
        registry.manifest("1", new byte[16 << 20], MediaTypes.OCI_MANIFEST);
        try (RegistrySession session = session(Optional.empty())) {
            assertThatThrownBy(session::manifest)
                    .hasMessageContaining("larger than " + ManifestDocument.MAX_BYTES);
        }
    }

    @Test
    void aManifestOfAnotherDigestIsRefused() throws Exception {
        Digest other = ContentDigest.of("sha256", new byte[] {9});
        registry.manifest(other.toString(), manifest, MediaTypes.OCI_MANIFEST);
        try (RegistrySession session =
                RegistrySession.open(
                        ImageReference.parse(registry.host() + "/a/b@" + other),
                        Optional.empty(),
                        FaultyRegistry.quick(),
                        CredentialHelper.NONE)) {
            assertThatThrownBy(session::manifest)
                    .isInstanceOfSatisfying(
                            ImageException.class, e -> assertThat(e.kind()).isEqualTo(Kind.INVALID))
                    .hasMessageContaining(other.toString());
        }
    }

    @Test
    void aStalledBodyFailsInsteadOfHanging() throws Exception {
        byte[] bytes = new byte[100_000];
        CountDownLatch end = new CountDownLatch(1);
        registry.fault(exchange -> {
            exchange.begin(200, bytes.length);
            exchange.write(bytes, 0, 1000);
            try {
                end.await(20, TimeUnit.SECONDS);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
            return true;
        });
        try (RegistrySession session = session(Optional.empty());
                BlobBody body = session.openBlob(blob(bytes), 0)) {
            assertThatThrownBy(() -> body.body().readAllBytes())
                    .isInstanceOf(HttpTimeoutException.class);
        } finally {
            end.countDown();
        }
    }

    @Test
    void aServerThatCannotContinueGivesTheWholeBlob() throws Exception {
        byte[] bytes = "0123456789".getBytes(StandardCharsets.UTF_8);
        registry.blob(bytes);
        for (int mode = 0; mode < 3; mode++) {
            int wrong = mode;
            registry.fault(exchange -> {
                if (exchange.header("Range") == null) {
                    return false;
                }
                switch (wrong) {
                    case 0 -> FaultyRegistry.send(exchange, 200, bytes);
                    case 1 -> FaultyRegistry.send(exchange, 416, "{}");
                    default -> {
                        exchange.answerHeader("Content-Range", "bytes 2-9/10");
                        FaultyRegistry.send(exchange, 206, "23456789");
                    }
                }
                return true;
            });
            try (RegistrySession session = session(Optional.empty());
                    BlobBody body = session.openBlob(blob(bytes), 4)) {
                assertThat(body.offset()).isZero();
                assertThat(body.body().readAllBytes()).isEqualTo(bytes);
            }
        }
    }

    @Test
    void aPlainTokenServiceOfASecureRegistryIsRefused() throws Exception {
        Endpoint secure = Endpoint.of("registry.example", Set.of());
        RegistryHttp http = new RegistryHttp(FaultyRegistry.quick(), secure);
        try (http) {
            Authorization authorization = new Authorization(http, secure, "a/b", ann());
            List<Challenge> challenges =
                    Challenge.parse(
                            List.of("Bearer realm=\"http://" + registry.host() + "/token\""));
            assertThatThrownBy(() -> authorization.renew(Optional.empty(), challenges))
                    .hasMessageContaining("plain http");
        }
        assertThat(registry.requests()).isEmpty();
    }

    @Test
    void aRegistryThatIsNotThereFailsWithTheCause() throws Exception {
        registry.close();
        try (RegistrySession session = session(Optional.empty())) {
            assertThatThrownBy(session::manifest)
                    .isInstanceOf(ImageException.class)
                    .hasCauseInstanceOf(IOException.class);
        }
    }
}
