package dev.berth.containerizer.image.registry;

import dev.berth.containerizer.image.Digest;
import dev.berth.containerizer.image.ImageException;
import dev.berth.containerizer.image.ImageReference;
import dev.berth.containerizer.image.RegistryCredentials;
import dev.berth.containerizer.image.manifest.ContentDigest;
import dev.berth.containerizer.image.manifest.Descriptor;
import dev.berth.containerizer.image.manifest.JsonObject;
import dev.berth.containerizer.image.manifest.ManifestDocument;
import dev.berth.containerizer.image.manifest.MediaTypes;

import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpResponse;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Reading one repository of one registry, for the time of one pull.
 *
 * <p>Thread: any; all methods block.
 */
public final class RegistrySession implements AutoCloseable {
    private static final int MAX_ERROR_BYTES = 64 << 10;

    private final ImageReference reference;
    private final RetryPolicy retry;
    private final Endpoint endpoint;
    private final RegistryHttp http;
    private final Authorization authorization;
    private final AtomicInteger users = new AtomicInteger(1);

    private RegistrySession(
            ImageReference reference,
            RetryPolicy retry,
            Endpoint endpoint,
            RegistryHttp http,
            Authorization authorization) {
        this.reference = reference;
        this.retry = retry;
        this.endpoint = endpoint;
        this.http = http;
        this.authorization = authorization;
    }

    /**
     * Opens a session; the first request comes with the first method.
     *
     * @param given credentials of the caller; when empty, stored ones are looked up
     */
    public static RegistrySession open(
            ImageReference reference,
            Optional<RegistryCredentials> given,
            RegistryOptions options,
            CredentialHelper helpers)
            throws ImageException, InterruptedException {
        Endpoint endpoint = Endpoint.of(reference.registry(), options.insecureRegistries());
        Optional<RegistryCredentials> credentials = given;
        if (credentials.isEmpty() && options.dockerConfig().isPresent()) {
            credentials =
                    DockerConfig.find(options.dockerConfig().get(), reference.registry(), helpers);
        }
        RegistryHttp http = new RegistryHttp(options, endpoint);
        if (endpoint.insecure() && !Endpoint.isLoopback(endpoint.host())) {
            endpoint = preferTls(http, endpoint);
        }
        return new RegistrySession(
                reference,
                options.retry(),
                endpoint,
                http,
                new Authorization(http, endpoint, reference.repository(), credentials));
    }

    private static Endpoint preferTls(RegistryHttp http, Endpoint endpoint)
            throws ImageException, InterruptedException {
        Endpoint tls = endpoint.overTls();
        try {
            http.get(tls.resolve("/v2/"), Map.of(), Optional.empty()).body().close();
            return tls;
        } catch (IOException e) {
            return endpoint;
        }
    }

    /**
     * A manifest or an index, with the digest of its exact bytes.
     *
     * @param mediaType {@code Content-Type} without parameters, empty when there was none
     */
    public record Fetched(Digest digest, byte[] bytes, String mediaType) {}

    /**
     * Part of a blob.
     *
     * @param offset of the first byte that {@code body} gives: what was asked for, or 0 when the server cannot continue
     * @param body to be closed by the caller; its reads fail when the server stalls
     */
    public record BlobBody(long offset, InputStream body) implements AutoCloseable {
        @Override
        public void close() throws IOException {
            body.close();
        }
    }

    /** Fetches what the session's reference names: by its digest if it has one, else by its tag. */
    public Fetched manifest() throws ImageException, InterruptedException {
        Optional<Digest> digest = reference.digest();
        String name =
                digest.map(Digest::toString).orElseGet(() -> reference.tag().orElse("latest"));
        return manifest(name, digest);
    }

    /** Fetches the manifest that a verified index names. */
    public Fetched manifest(Descriptor descriptor) throws ImageException, InterruptedException {
        Fetched fetched =
                manifest(descriptor.digest().toString(), Optional.of(descriptor.digest()));
        checkSize(descriptor, fetched.bytes());
        return new Fetched(
                fetched.digest(),
                fetched.bytes(),
                fetched.mediaType().isEmpty() ? descriptor.mediaType() : fetched.mediaType());
    }

    private Fetched manifest(String name, Optional<Digest> expected)
            throws ImageException, InterruptedException {
        Map<String, String> headers = Map.of("Accept", MediaTypes.acceptedManifests());
        return withRetry(
                "manifest " + name + " of " + repository(),
                () -> {
                    HttpResponse<InputStream> response =
                            request("manifests/" + name, "manifest " + name, headers, 200);
                    byte[] bytes = whole(response, ManifestDocument.MAX_BYTES, "manifest " + name);
                    Digest digest = digest(response, bytes, expected);
                    return new Fetched(digest, bytes, mediaType(response));
                });
    }

    private Digest digest(
            HttpResponse<InputStream> response, byte[] bytes, Optional<Digest> expected)
            throws ImageException {
        Digest wanted;
        Optional<String> claimed = response.headers().firstValue("Docker-Content-Digest");
        if (expected.isPresent()) {
            wanted = expected.get();
        } else if (claimed.isPresent()) {
            try {
                wanted = Digest.parse(claimed.get());
            } catch (IllegalArgumentException e) {
                throw new ImageException(
                        "read Docker-Content-Digest of registry " + endpoint.host(), e);
            }
        } else {
            return ContentDigest.of("sha256", bytes);
        }
        Digest actual = ContentDigest.of(wanted.algorithm(), bytes);
        if (!actual.equals(wanted)) {
            throw new ImageException(
                    ImageException.Kind.INVALID,
                    "manifest of "
                            + repository()
                            + " has digest "
                            + actual
                            + " where "
                            + wanted
                            + " was promised");
        }
        return actual;
    }

    /** Fetches a small blob whole and verifies it. */
    public byte[] blob(Descriptor descriptor, int limitBytes)
            throws ImageException, InterruptedException {
        if (descriptor.sizeBytes() > limitBytes) {
            throw new ImageException(
                    ImageException.Kind.INVALID,
                    "blob "
                            + descriptor.digest()
                            + " has "
                            + descriptor.sizeBytes()
                            + " bytes, more than the "
                            + limitBytes
                            + " that are accepted");
        }
        byte[] bytes =
                withRetry(
                        "blob " + descriptor.digest() + " of " + repository(),
                        () ->
                                whole(
                                        request(
                                                "blobs/" + descriptor.digest(),
                                                "blob " + descriptor.digest(),
                                                Map.of(),
                                                200),
                                        limitBytes,
                                        "blob " + descriptor.digest()));
        checkSize(descriptor, bytes);
        Digest actual = ContentDigest.of(descriptor.digest().algorithm(), bytes);
        if (!actual.equals(descriptor.digest())) {
            throw new ImageException(
                    ImageException.Kind.INVALID,
                    "blob " + descriptor.digest() + " has in truth digest " + actual);
        }
        return bytes;
    }

    /**
     * Opens a blob at an offset. One try: the caller, who knows how much it has, retries.
     *
     * @param offset bytes that the caller has already, less than the blob's size
     * @throws RetryableException when a later try may succeed
     */
    public BlobBody openBlob(Descriptor descriptor, long offset)
            throws ImageException, IOException, InterruptedException {
        Map<String, String> headers =
                offset == 0
                        ? Map.of("Accept-Encoding", "identity")
                        : Map.of("Accept-Encoding", "identity", "Range", "bytes=" + offset + "-");
        String what = "blob " + descriptor.digest();
        HttpResponse<InputStream> response =
                request("blobs/" + descriptor.digest(), what, headers, 200, 206, 416);
        InputStream body = response.body();
        if (response.statusCode() == 200) {
            return new BlobBody(0, body);
        }
        if (response.statusCode() == 206) {
            String range = response.headers().firstValue("Content-Range").orElse("");
            if (offset > 0 && startsAt(range, offset, descriptor.sizeBytes())) {
                return new BlobBody(offset, body);
            }
        }
        // 416 for a range inside the blob, or a range that nobody asked for: this server cannot
        // continue, the whole blob it can give.
        body.close();
        response = request("blobs/" + descriptor.digest(), what, Map.of(), 200);
        return new BlobBody(0, response.body());
    }

    private static boolean startsAt(String contentRange, long offset, long size) {
        String text = contentRange.toLowerCase(Locale.ROOT).trim();
        return text.equals("bytes " + offset + "-" + (size - 1) + "/" + size)
                || text.equals("bytes " + offset + "-" + (size - 1) + "/*");
    }

    /** A failure that a later try may not have. */
    public static final class RetryableException extends IOException {
        private static final long serialVersionUID = 1;

        private final transient Optional<Duration> after;

        RetryableException(String message, Optional<Duration> after) {
            super(message);
            this.after = after;
        }

        /** How long the server asks to wait. */
        public Optional<Duration> retryAfter() {
            return after;
        }
    }

    /** The wait that a failure asks for, if it asks. */
    public static Optional<Duration> retryAfter(IOException failure) {
        return failure instanceof RetryableException asks ? asks.retryAfter() : Optional.empty();
    }

    @FunctionalInterface
    private interface Attempt<T> {
        T run() throws ImageException, IOException, InterruptedException;
    }

    private <T> T withRetry(String what, Attempt<T> attempt)
            throws ImageException, InterruptedException {
        for (int failures = 1; ; failures++) {
            try {
                return attempt.run();
            } catch (IOException e) {
                if (failures >= retry.attempts() || isHopeless(e)) {
                    throw new ImageException("get " + what, e);
                }
                RetryPolicy.pause(retry.delay(failures, retryAfter(e)));
            }
        }
    }

    /** A name that does not resolve, a certificate that nobody vouches for: waiting changes nothing. */
    private static boolean isHopeless(IOException failure) {
        for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
            if (cause instanceof java.net.UnknownHostException
                    || cause instanceof java.security.cert.CertificateException
                    || cause instanceof java.security.cert.CertPathBuilderException) {
                return true;
            }
        }
        return false;
    }

    private HttpResponse<InputStream> request(
            String path, String what, Map<String, String> headers, int... accepted)
            throws ImageException, IOException, InterruptedException {
        URI uri = endpoint.resolve("/v2/" + reference.repository() + "/" + path);
        for (int round = 0; ; round++) {
            Optional<String> header = authorization.header();
            HttpResponse<InputStream> response = http.get(uri, headers, header);
            int status = response.statusCode();
            for (int good : accepted) {
                if (status == good) {
                    return response;
                }
            }
            List<Challenge> challenges =
                    Challenge.parse(response.headers().allValues("WWW-Authenticate"));
            if (status == 401 && round < 2 && !challenges.isEmpty()) {
                response.body().close();
                if (authorization.renew(header, challenges)) {
                    continue;
                }
            }
            throw failure(what, response);
        }
    }

    private IOException failure(String what, HttpResponse<InputStream> response)
            throws ImageException {
        int status = response.statusCode();
        String said = message(response);
        String text = repository() + ": " + what + ": registry answered " + status + said;
        return switch (status) {
            case 401, 403 ->
                    throw new ImageException(
                            ImageException.Kind.UNAUTHORIZED,
                            "pull access denied for "
                                    + repository()
                                    + ": it does not exist or needs docker login (registry answered "
                                    + status
                                    + said
                                    + ")");
            case 404 -> throw new ImageException(ImageException.Kind.NOT_FOUND, text);
            case 408, 425, 429, 500, 502, 503, 504 ->
                    new RetryableException(text, retryAfter(response));
            default -> throw new ImageException(text);
        };
    }

    /** Seconds or a date (RFC 9110 section 10.2.3). */
    private static Optional<Duration> retryAfter(HttpResponse<?> response) {
        String text = response.headers().firstValue("Retry-After").orElse("").trim();
        if (text.isEmpty()) {
            return Optional.empty();
        }
        try {
            if (text.chars().allMatch(c -> c >= '0' && c <= '9')) {
                return Optional.of(Duration.ofSeconds(Long.parseLong(text)));
            }
            Instant at =
                    ZonedDateTime.parse(text, DateTimeFormatter.RFC_1123_DATE_TIME).toInstant();
            Duration wait = Duration.between(Instant.now(), at);
            return wait.isNegative() ? Optional.empty() : Optional.of(wait);
        } catch (DateTimeException | NumberFormatException e) {
            return Optional.empty();
        }
    }

    /** The registry's own words, in parentheses (distribution-spec "Error Codes"). */
    private static String message(HttpResponse<InputStream> response) {
        try (InputStream body = response.body()) {
            byte[] bytes = body.readNBytes(MAX_ERROR_BYTES);
            for (JsonObject error : JsonObject.parse("error", bytes).objects("errors")) {
                String message = error.text("message");
                return " (" + (message.isEmpty() ? error.text("code") : message) + ")";
            }
        } catch (IOException | ImageException e) {
            // Not every proxy in between speaks the registry's language: the status alone must do.
            return "";
        }
        return "";
    }

    private byte[] whole(HttpResponse<InputStream> response, int limit, String what)
            throws ImageException, IOException {
        try (InputStream body = response.body()) {
            byte[] bytes = body.readNBytes(limit + 1);
            if (bytes.length > limit) {
                throw new ImageException(
                        ImageException.Kind.INVALID,
                        what + " of " + repository() + " is larger than " + limit + " bytes");
            }
            return bytes;
        }
    }

    private static void checkSize(Descriptor descriptor, byte[] bytes) throws ImageException {
        if (bytes.length != descriptor.sizeBytes()) {
            throw new ImageException(
                    ImageException.Kind.INVALID,
                    descriptor.digest()
                            + " has "
                            + bytes.length
                            + " bytes where "
                            + descriptor.sizeBytes()
                            + " were promised");
        }
    }

    private static String mediaType(HttpResponse<?> response) {
        String type = response.headers().firstValue("Content-Type").orElse("");
        int semicolon = type.indexOf(';');
        return (semicolon < 0 ? type : type.substring(0, semicolon)).trim();
    }

    private String repository() {
        return reference.registry() + "/" + reference.repository();
    }

    /** One more user, who closes the session when done. */
    public void retain() {
        users.incrementAndGet();
    }

    /** The last user's close ends all connections. */
    @Override
    public void close() {
        if (users.decrementAndGet() == 0) {
            http.close();
        }
    }
}
