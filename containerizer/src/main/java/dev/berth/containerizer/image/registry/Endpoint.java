package dev.berth.containerizer.image.registry;

import dev.berth.containerizer.image.ImageException;

import java.net.URI;
import java.util.Locale;
import java.util.Set;

/**
 * Where a registry is: {@code docker.io} is served by another host, loopback and configured insecure registries may use plain HTTP.
 *
 * @param host as the user wrote it: the key of stored credentials
 * @param base scheme and authority
 */
record Endpoint(String host, URI base, boolean insecure) {

    static Endpoint of(String registry, Set<String> insecureRegistries) throws ImageException {
        boolean plain = isLoopback(registry);
        boolean insecure = insecureRegistries.contains(registry);
        String authority = registry.equals("docker.io") ? "registry-1.docker.io" : registry;
        try {
            return new Endpoint(
                    registry,
                    URI.create((plain || insecure ? "http://" : "https://") + authority),
                    plain || insecure);
        } catch (IllegalArgumentException e) {
            throw new ImageException("address registry \"" + registry + "\"", e);
        }
    }

    /** An insecure registry may speak TLS after all: that is tried first, without verification. */
    Endpoint overTls() {
        return new Endpoint(host, URI.create("https://" + base.getRawAuthority()), insecure);
    }

    /** {@code localhost}, {@code 127.0.0.0/8} or {@code [::1]}, with or without a port. Only literal forms: a name that happens to resolve to loopback today need not tomorrow. */
    static boolean isLoopback(String registry) {
        String host = registry.toLowerCase(Locale.ROOT);
        if (host.startsWith("[")) {
            return host.startsWith("[::1]");
        }
        int colon = host.indexOf(':');
        if (colon >= 0) {
            host = host.substring(0, colon);
        }
        return host.equals("localhost") || host.matches("127(\\.[0-9]{1,3}){3}");
    }

    URI resolve(String path) {
        return base.resolve(path);
    }

    /** Same scheme, host and port: only then may credentials go along. */
    static boolean sameOrigin(URI a, URI b) {
        return a.getScheme().equalsIgnoreCase(b.getScheme())
                && String.valueOf(a.getHost()).equalsIgnoreCase(String.valueOf(b.getHost()))
                && port(a) == port(b);
    }

    private static int port(URI uri) {
        if (uri.getPort() >= 0) {
            return uri.getPort();
        }
        return uri.getScheme().equalsIgnoreCase("https") ? 443 : 80;
    }
}
