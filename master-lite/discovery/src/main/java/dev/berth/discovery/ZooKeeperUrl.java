package dev.berth.discovery;

import org.apache.zookeeper.common.PathUtils;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/**
 * A place in a ZooKeeper ensemble, as {@code zk://[USER:PASSWORD@]HOST[:PORT][,HOST[:PORT]...]/PATH}.
 *
 * @param servers as ZooKeeper's client takes them: {@code host:port,host:port}
 * @param path absolute, without a slash at its end
 * @param credentials {@code user:password} for the digest scheme
 */
public record ZooKeeperUrl(String servers, String path, Optional<String> credentials) {
    private static final String SCHEME = "zk://";
    private static final String FILE = "file:///";
    private static final int MOST_CHARACTERS = 4096;
    private static final int DEFAULT_PORT = 2181;

    /** Whether the text wants to be such a place, or names a file that holds one. */
    public static boolean matches(String text) {
        return text.startsWith(SCHEME) || text.startsWith(FILE);
    }

    /** Reads one; also from the file that is named as {@code file:///PATH}, as Mesos has it: a password on a command line is seen by every user of the machine. Blocks on a small file. */
    public static ZooKeeperUrl parse(String text) throws DiscoveryException {
        return text.startsWith(FILE)
                ? ofFile(Path.of(text.substring(FILE.length() - 1)))
                : ofText(text);
    }

    private static ZooKeeperUrl ofFile(Path file) throws DiscoveryException {
        String held;
        try (BufferedReader in = Files.newBufferedReader(file)) {
            char[] start = new char[MOST_CHARACTERS];
            int length = Math.max(0, in.read(start));
            held = new String(start, 0, length).strip();
        } catch (IOException e) {
            throw new DiscoveryException("cannot read the place in ZooKeeper from a file: " + e, e);
        }
        if (!held.startsWith(SCHEME) || held.lines().count() > 1) {
            // What it holds instead is not shown: it may be any file.
            throw new DiscoveryException(
                    "file "
                            + file
                            + " holds no place in ZooKeeper (expected one line, zk://HOST:PORT,HOST:PORT/PATH)");
        }
        return ofText(held);
    }

    private static ZooKeeperUrl ofText(String text) throws DiscoveryException {
        if (!text.startsWith(SCHEME)) {
            throw malformed(text, "it does not begin with zk://");
        }
        String rest = text.substring(SCHEME.length());
        int slash = rest.indexOf('/');
        if (slash < 0 || slash == rest.length() - 1) {
            throw malformed(text, "it has no path");
        }
        String path = rest.substring(slash);
        if (path.endsWith("/")) {
            path = path.substring(0, path.length() - 1);
        }
        try {
            PathUtils.validatePath(path);
        } catch (IllegalArgumentException e) {
            throw malformed(text, "its path is not one of ZooKeeper's");
        }
        if (path.length() <= 1) {
            throw malformed(text, "it has no path");
        }
        String authority = rest.substring(0, slash);
        int at = authority.lastIndexOf('@');
        Optional<String> credentials =
                at < 0 ? Optional.empty() : Optional.of(authority.substring(0, at));
        if (credentials.isPresent() && credentials.get().indexOf(':') <= 0) {
            throw malformed(text, "before the @ stands USER:PASSWORD");
        }
        StringBuilder servers = new StringBuilder();
        for (String server : authority.substring(at + 1).split(",", -1)) {
            servers.append(servers.isEmpty() ? "" : ",").append(server(text, server));
        }
        return new ZooKeeperUrl(servers.toString(), path, credentials);
    }

    private static String server(String text, String server) throws DiscoveryException {
        int colon = server.lastIndexOf(':');
        if (colon < 0 || server.endsWith("]")) {
            if (server.isEmpty()) {
                throw malformed(text, "a server has no name");
            }
            return server + ":" + DEFAULT_PORT;
        }
        String port = server.substring(colon + 1);
        if (colon == 0
                || port.isEmpty()
                || port.length() > 5
                || !port.chars().allMatch(c -> c >= '0' && c <= '9')
                || Integer.parseInt(port) > 65535
                || Integer.parseInt(port) == 0) {
            // With a password that has a slash, this is a part of it.
            throw malformed(
                    text,
                    text.indexOf('@') < 0
                            ? "'" + server + "' is no HOST:PORT"
                            : "a server in it is no HOST:PORT, or there is a slash in the password");
        }
        return server;
    }

    private static DiscoveryException malformed(String text, String why) {
        // A password is not for logs.
        String shown = text.replaceFirst("(?s)^zk://.*@", "zk://***@");
        return new DiscoveryException(
                "not a place in ZooKeeper: '"
                        + shown
                        + "': "
                        + why
                        + " (expected zk://HOST:PORT,HOST:PORT/PATH)");
    }

    /** Without the password. */
    @Override
    public String toString() {
        return SCHEME + servers + path;
    }
}
