package dev.berth.containerizer.image.registry;

import dev.berth.containerizer.image.ImageException;
import dev.berth.linux.ErrnoException;
import dev.berth.linux.Linux;
import dev.berth.linux.process.HelperCommand;
import dev.berth.linux.process.HelperProcess;
import dev.berth.linux.process.HelperResult;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * Credential helpers as programs: {@code docker-credential-NAME get} with the server on standard input. They get the agent's environment, because that is where their own settings are.
 *
 * <p>Thread: the file lane.
 */
public final class HelperProcessCredentials implements CredentialHelper {
    private static final Duration DEADLINE = Duration.ofSeconds(30);
    private static final int MAX_BYTES = 1 << 20;

    private final Linux linux;
    private final Map<String, String> environment;

    /**
     * @param environment of the helpers; its PATH says where they are
     */
    public HelperProcessCredentials(Linux linux, Map<String, String> environment) {
        this.linux = linux;
        this.environment = Map.copyOf(environment);
    }

    @Override
    public byte[] get(String name, String server) throws ImageException {
        String program = "docker-credential-" + name;
        String path = find(program);
        HelperResult result;
        try {
            result =
                    HelperProcess.run(
                            linux,
                            HelperCommand.of(path, List.of(program, "get"), environment),
                            server.getBytes(StandardCharsets.UTF_8),
                            DEADLINE,
                            MAX_BYTES);
        } catch (ErrnoException e) {
            throw new ImageException("run " + path, e);
        }
        if (result.succeeded()) {
            return result.output();
        }
        // The protocol's word for "nothing stored" is a failure with this text on standard output.
        String said = new String(result.output(), StandardCharsets.UTF_8).toLowerCase(Locale.ROOT);
        if (said.contains("credentials not found")) {
            return new byte[0];
        }
        // What it wrote to standard output may hold a secret and is not shown.
        throw new ImageException(program + " get for " + server + ": " + result.describe());
    }

    private String find(String program) throws ImageException {
        for (String directory :
                environment.getOrDefault("PATH", "/usr/local/bin:/usr/bin:/bin").split(":", -1)) {
            Path candidate = Path.of(directory.isEmpty() ? "/" : directory).resolve(program);
            if (candidate.isAbsolute() && Files.isExecutable(candidate)) {
                return candidate.toString();
            }
        }
        throw new ImageException(
                "the Docker configuration names credential helper "
                        + program
                        + ", which is not in PATH: install it or run docker login again");
    }
}
