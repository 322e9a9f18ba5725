package dev.berth.containerizer.image.registry;

import dev.berth.containerizer.image.ImageException;
import dev.berth.containerizer.image.RegistryCredentials;
import dev.berth.containerizer.image.manifest.JsonObject;

import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Answers the challenges of one registry for one repository and remembers the answer: basic, or a bearer token from the service that the challenge names (distribution "token" and "oauth" specifications).
 *
 * <p>Thread: any; one token request at a time.
 */
final class Authorization {
    private static final int MAX_TOKEN_BYTES = 1 << 20;

    private final RegistryHttp http;
    private final Endpoint endpoint;
    private final String repository;
    private final Optional<RegistryCredentials> credentials;
    private final ReentrantLock lock = new ReentrantLock();
    private volatile Optional<String> header = Optional.empty();

    Authorization(
            RegistryHttp http,
            Endpoint endpoint,
            String repository,
            Optional<RegistryCredentials> credentials) {
        this.http = http;
        this.endpoint = endpoint;
        this.repository = repository;
        this.credentials = credentials;
    }

    /** The current value of {@code Authorization}. */
    Optional<String> header() {
        return header;
    }

    /**
     * Gets a new authorization after a 401.
     *
     * @param refused the header that was refused: when another thread renewed it meanwhile, there is nothing to do
     * @return whether a second try makes sense
     */
    boolean renew(Optional<String> refused, List<Challenge> challenges)
            throws ImageException, IOException, InterruptedException {
        lock.lockInterruptibly();
        try {
            if (!header.equals(refused)) {
                return true;
            }
            Optional<String> next = Optional.empty();
            for (Challenge challenge : challenges) {
                if (challenge.scheme().equals("bearer")) {
                    next = Optional.of("Bearer " + token(challenge));
                    break;
                }
                if (challenge.scheme().equals("basic") && hasPassword()) {
                    next = Optional.of(basic(credentials.orElseThrow()));
                }
            }
            if (next.isEmpty() || next.equals(refused)) {
                return false;
            }
            header = next;
            return true;
        } finally {
            lock.unlock();
        }
    }

    private boolean hasPassword() {
        return credentials.isPresent() && credentials.get().identityToken().isEmpty();
    }

    private static String basic(RegistryCredentials credentials) {
        String pair = credentials.username() + ":" + credentials.password();
        return "Basic " + Base64.getEncoder().encodeToString(pair.getBytes(StandardCharsets.UTF_8));
    }

    private String token(Challenge challenge)
            throws ImageException, IOException, InterruptedException {
        URI realm = realm(challenge.parameter("realm"));
        // The scope is ours, not the server's: a token for more than this pull is nothing that we
        // want to hold.
        String scope = "repository:" + repository + ":pull";
        Optional<String> identity = credentials.flatMap(RegistryCredentials::identityToken);
        Map<String, String> query = new LinkedHashMap<>();
        HttpResponse<InputStream> response;
        if (identity.isPresent()) {
            query.put("grant_type", "refresh_token");
            query.put("service", challenge.parameter("service"));
            query.put("client_id", "berth");
            query.put("scope", scope);
            query.put("refresh_token", identity.get());
            response = http.post(realm, query);
        } else {
            if (!challenge.parameter("service").isEmpty()) {
                query.put("service", challenge.parameter("service"));
            }
            query.put("scope", scope);
            credentials.ifPresent(c -> query.put("account", c.username()));
            String separator = realm.getRawQuery() == null ? "?" : "&";
            response =
                    http.get(
                            URI.create(realm + separator + RegistryHttp.query(query)),
                            Map.of("Accept", "application/json"),
                            credentials.map(Authorization::basic));
        }
        return read(realm, response);
    }

    private URI realm(String text) throws ImageException {
        URI realm;
        try {
            realm = URI.create(text);
        } catch (IllegalArgumentException e) {
            throw new ImageException(
                    "registry " + endpoint.host() + " names an invalid token service", e);
        }
        String scheme = String.valueOf(realm.getScheme());
        boolean tls = scheme.equalsIgnoreCase("https");
        boolean plain = scheme.equalsIgnoreCase("http");
        if (realm.getHost() == null || (!tls && !plain)) {
            throw new ImageException(
                    "registry "
                            + endpoint.host()
                            + " names an invalid token service \""
                            + text
                            + "\"");
        }
        if (plain && !endpoint.insecure()) {
            throw new ImageException(
                    "registry "
                            + endpoint.host()
                            + " names a token service in plain http, which would show the password: "
                            + text);
        }
        return realm;
    }

    private String read(URI realm, HttpResponse<InputStream> response)
            throws ImageException, IOException {
        try (InputStream body = response.body()) {
            byte[] bytes = body.readNBytes(MAX_TOKEN_BYTES);
            int status = response.statusCode();
            if (status == 401 || status == 403) {
                throw new ImageException(
                        ImageException.Kind.UNAUTHORIZED,
                        "log in to registry "
                                + endpoint.host()
                                + ": "
                                + (credentials.isPresent()
                                        ? "the stored user name or password is wrong"
                                        : "it gives no anonymous access; run docker login "
                                                + endpoint.host()));
            }
            if (status != 200) {
                throw new IOException("token service " + realm + " answered " + status);
            }
            JsonObject json = JsonObject.parse("answer of token service " + realm, bytes);
            String token = json.text("token");
            if (token.isEmpty()) {
                token = json.text("access_token");
            }
            if (token.isEmpty() || !token.chars().allMatch(c -> c > ' ' && c < 127)) {
                throw new ImageException("token service " + realm + " gave no usable token");
            }
            return token;
        }
    }
}
