package dev.berth.containerizer.image.registry;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.Set;

/**
 * How registries are spoken to.
 *
 * @param insecureRegistries hosts ({@code host[:port]}) that may be spoken to in plain HTTP or with a certificate that nobody vouches for; loopback addresses always may use plain HTTP
 * @param dockerConfig {@code config.json} with stored credentials; empty asks none
 * @param certificates directory with {@code HOST/*.crt} of further certificate authorities, as Docker's {@code certs.d}
 * @param connectTimeout for a connection and for the first byte of an answer
 * @param stallTimeout how long a body may give no byte
 * @param retry how failures are retried
 */
public record RegistryOptions(
        Set<String> insecureRegistries,
        Optional<Path> dockerConfig,
        Path certificates,
        Duration connectTimeout,
        Duration stallTimeout,
        RetryPolicy retry) {

    /** Docker's defaults, with the credentials of this user. */
    public static RegistryOptions defaults() {
        String directory = System.getenv("DOCKER_CONFIG");
        Path config =
                directory != null && !directory.isEmpty()
                        ? Path.of(directory)
                        : Path.of(System.getProperty("user.home", "/root"), ".docker");
        return new RegistryOptions(
                Set.of(),
                Optional.of(config.resolve("config.json")),
                Path.of("/etc/docker/certs.d"),
                Duration.ofSeconds(30),
                Duration.ofSeconds(60),
                RetryPolicy.defaults());
    }

    public RegistryOptions withInsecureRegistries(Set<String> hosts) {
        return new RegistryOptions(
                Set.copyOf(hosts), dockerConfig, certificates, connectTimeout, stallTimeout, retry);
    }

    public RegistryOptions withDockerConfig(Optional<Path> file) {
        return new RegistryOptions(
                insecureRegistries, file, certificates, connectTimeout, stallTimeout, retry);
    }

    public RegistryOptions withStallTimeout(Duration timeout) {
        return new RegistryOptions(
                insecureRegistries, dockerConfig, certificates, connectTimeout, timeout, retry);
    }

    public RegistryOptions withRetry(RetryPolicy policy) {
        return new RegistryOptions(
                insecureRegistries,
                dockerConfig,
                certificates,
                connectTimeout,
                stallTimeout,
                policy);
    }

    public RegistryOptions withCertificates(Path directory) {
        return new RegistryOptions(
                insecureRegistries, dockerConfig, directory, connectTimeout, stallTimeout, retry);
    }
}
