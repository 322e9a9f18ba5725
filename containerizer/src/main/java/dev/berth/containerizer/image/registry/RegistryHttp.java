package dev.berth.containerizer.image.registry;

import dev.berth.containerizer.image.ImageException;

import java.io.IOException;
import java.io.InputStream;
import java.net.ConnectException;
import java.net.InetSocketAddress;
import java.net.Proxy;
import java.net.URI;
import java.net.URLEncoder;
import java.net.UnknownHostException;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.channels.UnresolvedAddressException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/**
 * HTTP with redirects that never carry credentials to another origin. Proxies are those of the environment ({@code HTTPS_PROXY}, {@code HTTP_PROXY}, {@code NO_PROXY}).
 *
 * <p>Thread: any.
 */
final class RegistryHttp implements AutoCloseable {
    private static final int MAX_REDIRECTS = 10;
    private static final String USER_AGENT = "berth/0.1";

    private final HttpClient client;
    private final RegistryOptions options;
    private final Endpoint endpoint;

    RegistryHttp(RegistryOptions options, Endpoint endpoint) throws ImageException {
        this.options = options;
        this.endpoint = endpoint;
        this.client =
                HttpClient.newBuilder()
                        // One connection per layer: parallel layers over one HTTP/2 connection
                        // share its window.
                        .version(HttpClient.Version.HTTP_1_1)
                        .followRedirects(HttpClient.Redirect.NEVER)
                        .connectTimeout(options.connectTimeout())
                        .proxy(EnvironmentProxies.fromEnvironment())
                        .sslContext(Trust.context(endpoint, options.certificates()))
                        .build();
    }

    /**
     * GETs, following redirects.
     *
     * @param authorization value of {@code Authorization}, sent to the origin of {@code uri} only
     * @return the last answer, its body still to be read; the caller closes the body
     */
    HttpResponse<InputStream> get(
            URI uri, Map<String, String> headers, Optional<String> authorization)
            throws IOException, ImageException, InterruptedException {
        URI at = uri;
        for (int hop = 0; hop <= MAX_REDIRECTS; hop++) {
            HttpRequest.Builder request =
                    HttpRequest.newBuilder(at).timeout(options.connectTimeout());
            headers.forEach(request::setHeader);
            request.setHeader("User-Agent", USER_AGENT);
            if (authorization.isPresent() && Endpoint.sameOrigin(uri, at)) {
                request.setHeader("Authorization", authorization.get());
            }
            HttpResponse<InputStream> response = send(request.GET().build());
            if (!isRedirect(response.statusCode())) {
                return response;
            }
            response.body().close();
            at = target(at, response);
        }
        throw new ImageException("GET " + uri + ": more than " + MAX_REDIRECTS + " redirects");
    }

    /** POSTs a form; no redirect is followed, since the form holds a secret. */
    HttpResponse<InputStream> post(URI uri, Map<String, String> form)
            throws IOException, InterruptedException {
        HttpRequest request =
                HttpRequest.newBuilder(uri)
                        .timeout(options.connectTimeout())
                        .setHeader("Content-Type", "application/x-www-form-urlencoded")
                        .setHeader("User-Agent", USER_AGENT)
                        .POST(HttpRequest.BodyPublishers.ofString(query(form)))
                        .build();
        return send(request);
    }

    private HttpResponse<InputStream> send(HttpRequest request)
            throws IOException, InterruptedException {
        Duration stall = options.stallTimeout();
        try {
            return client.send(request, _ -> new TimedBody(stall));
        } catch (ConnectException e) {
            if (isWithoutAddress(e)) {
                // Without its cause, which names neither the host nor what is wrong with it.
                throw new UnknownHostException(asked(request.uri()) + " has no address");
            }
            throw e;
        }
    }

    /** Whose address is needed: the proxy's, where there is one. */
    private String asked(URI uri) {
        return client.proxy().stream()
                .flatMap(proxies -> proxies.select(uri).stream())
                .map(Proxy::address)
                .filter(InetSocketAddress.class::isInstance)
                .map(address -> "proxy " + ((InetSocketAddress) address).getHostString())
                .findFirst()
                .orElse("host " + uri.getHost());
    }

    private static boolean isWithoutAddress(Throwable failure) {
        for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
            if (cause instanceof UnresolvedAddressException) {
                return true;
            }
        }
        return false;
    }

    private static boolean isRedirect(int status) {
        return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
    }

    private URI target(URI from, HttpResponse<?> response) throws ImageException {
        String location = response.headers().firstValue("Location").orElse("");
        URI to;
        try {
            to = from.resolve(location);
        } catch (IllegalArgumentException e) {
            throw new ImageException("follow redirect of " + from, e);
        }
        String scheme = String.valueOf(to.getScheme());
        boolean plain = scheme.equalsIgnoreCase("http");
        if (location.isEmpty()
                || to.getHost() == null
                || (!plain && !scheme.equalsIgnoreCase("https"))) {
            throw new ImageException(
                    "GET " + from + ": redirect to nowhere (\"" + location + "\")");
        }
        if (plain && !endpoint.insecure()) {
            throw new ImageException(
                    "GET " + from + ": refused a redirect from https to plain http (" + to + ")");
        }
        return to;
    }

    static String query(Map<String, String> parameters) {
        StringBuilder result = new StringBuilder();
        new LinkedHashMap<>(parameters)
                .forEach((name, value) -> {
                    if (!result.isEmpty()) {
                        result.append('&');
                    }
                    result.append(encode(name)).append('=').append(encode(value));
                });
        return result.toString();
    }

    private static String encode(String text) {
        // A form's "+" is a space to most servers, "%20" is one to all.
        return URLEncoder.encode(text, StandardCharsets.UTF_8).replace("+", "%20");
    }

    @Override
    public void close() {
        client.shutdownNow();
    }
}
