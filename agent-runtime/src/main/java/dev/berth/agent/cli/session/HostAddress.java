package dev.berth.agent.cli.session;

import java.nio.file.Path;
import java.util.Optional;

/**
 * Where the agent listens.
 *
 * @param isDefault whether nobody said where: only then an agent may be started
 */
public record HostAddress(Path socket, boolean isDefault) {
    public static final String DEFAULT = "unix:///run/berth/berth.sock";

    /**
     * By flag, else by environment, else the default.
     *
     * @throws CliException for anything but {@code unix://} and an absolute path
     */
    public static HostAddress of(Optional<String> flag, String environment) throws CliException {
        String address = flag.isPresent() ? flag.get() : environment;
        if (address.isEmpty()) {
            return new HostAddress(Path.of(DEFAULT.substring(7)), true);
        }
        if (!address.startsWith("unix:///")) {
            throw new CliException(
                    Verb.FAILED_BEFORE_CONTAINER,
                    (flag.isPresent() ? "-H" : "BERTH_HOST")
                            + ": want unix:///PATH, got '"
                            + address
                            + "' (an agent only listens on a UNIX socket)");
        }
        return new HostAddress(Path.of(address.substring(7)), false);
    }

    @Override
    public String toString() {
        return "unix://" + socket;
    }
}
