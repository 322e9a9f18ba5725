package dev.berth.containerizer.image.registry;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Proxy;
import java.net.ProxySelector;
import java.net.SocketAddress;
import java.net.URI;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** Proxies by the environment's convention: {@code HTTPS_PROXY}, {@code HTTP_PROXY} and {@code NO_PROXY}, in either case; loopback is never proxied. */
final class EnvironmentProxies extends ProxySelector {
    private final Map<String, String> environment;

    EnvironmentProxies(Map<String, String> environment) {
        this.environment = environment;
    }

    static EnvironmentProxies fromEnvironment() {
        return new EnvironmentProxies(System.getenv());
    }

    @Override
    public List<Proxy> select(URI uri) {
        String host = String.valueOf(uri.getHost()).toLowerCase(Locale.ROOT);
        String proxy =
                variable(uri.getScheme().equalsIgnoreCase("https") ? "https_proxy" : "http_proxy");
        if (proxy.isEmpty() || Endpoint.isLoopback(host) || excluded(host)) {
            return List.of(Proxy.NO_PROXY);
        }
        try {
            URI at = URI.create(proxy.contains("://") ? proxy : "http://" + proxy);
            if (at.getHost() == null) {
                return List.of(Proxy.NO_PROXY);
            }
            int port = at.getPort() >= 0 ? at.getPort() : 80;
            return List.of(new Proxy(Proxy.Type.HTTP, new InetSocketAddress(at.getHost(), port)));
        } catch (IllegalArgumentException e) {
            return List.of(Proxy.NO_PROXY);
        }
    }

    private boolean excluded(String host) {
        for (String entry : variable("no_proxy").toLowerCase(Locale.ROOT).split("[,\\s]+", -1)) {
            String suffix = entry.startsWith("*") ? entry.substring(1) : entry;
            String name = suffix.startsWith(".") ? suffix.substring(1) : suffix;
            if (entry.equals("*")
                    || (!name.isEmpty() && (host.equals(name) || host.endsWith("." + name)))) {
                return true;
            }
        }
        return false;
    }

    private String variable(String name) {
        String lower = environment.get(name);
        if (lower != null) {
            return lower;
        }
        return environment.getOrDefault(name.toUpperCase(Locale.ROOT), "");
    }

    @Override
    public void connectFailed(URI uri, SocketAddress address, IOException failure) {
        // The request itself fails with the same cause.
    }
}
