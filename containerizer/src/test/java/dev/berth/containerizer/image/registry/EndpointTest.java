package dev.berth.containerizer.image.registry;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.net.Proxy;
import java.net.URI;
import java.util.Map;
import java.util.Set;

class EndpointTest {
    @ParameterizedTest
    @CsvSource({
        "docker.io,https://registry-1.docker.io",
        "ghcr.io,https://ghcr.io",
        "localhost:5000,http://localhost:5000",
        "127.1.2.3:80,http://127.1.2.3:80",
        "[::1]:5000,http://[::1]:5000",
        "localhost.example,https://localhost.example",
        "127.evil.example,https://127.evil.example",
        "plain:5000,http://plain:5000"
    })
    void onlyLoopbackAndConfiguredHostsArePlain(String registry, String base) throws Exception {
        assertThat(Endpoint.of(registry, Set.of("plain:5000")).base()).isEqualTo(URI.create(base));
    }

    @Test
    void originsDifferByPortAndScheme() {
        URI a = URI.create("https://a/x");
        assertThat(Endpoint.sameOrigin(a, URI.create("https://A:443/y"))).isTrue();
        assertThat(Endpoint.sameOrigin(a, URI.create("http://a/y"))).isFalse();
        assertThat(Endpoint.sameOrigin(a, URI.create("https://a:444/y"))).isFalse();
        assertThat(Endpoint.sameOrigin(a, URI.create("https://b/y"))).isFalse();
    }

    @Test
    void proxiesFollowTheEnvironment() {
        EnvironmentProxies proxies =
                new EnvironmentProxies(
                        Map.of(
                                "HTTPS_PROXY", "http://proxy.example:3128",
                                "no_proxy", "internal.example,.corp"));
        assertThat(proxies.select(URI.create("https://ghcr.io/v2/")).getFirst().type())
                .isEqualTo(Proxy.Type.HTTP);
        for (String direct :
                new String[] {
                    "https://internal.example/",
                    "https://r.corp/",
                    "http://ghcr.io/",
                    "https://localhost:5000/",
                    "https://127.0.0.1/"
                }) {
            assertThat(proxies.select(URI.create(direct))).containsExactly(Proxy.NO_PROXY);
        }
    }
}
