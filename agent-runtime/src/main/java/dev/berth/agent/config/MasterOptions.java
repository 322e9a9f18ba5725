package dev.berth.agent.config;

import dev.berth.discovery.DiscoveryException;
import dev.berth.discovery.MasterAddress;
import dev.berth.discovery.ZooKeeperUrl;
import dev.berth.protocol.TokenFile;

import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * How an agent reports to a master.
 *
 * @param masters where masters are; any of them says who leads. None where they are found in ZooKeeper
 * @param zooKeeper where masters elect their leader
 * @param listenHost where the agent's own API listens
 * @param listenPort 0: any that is free
 * @param allowAnonymous whether the agent's API answers without a token
 * @param tokenFile what the agent shows to the master; empty: that of a master on this host, where there is one
 * @param attributes {@code NAME:VALUE;…}, added to what is found
 * @param resources {@code NAME:VALUE;…}, in the place of what is found
 * @param retention how long sandboxes are kept
 */
public record MasterOptions(
        List<URI> masters,
        Optional<ZooKeeperUrl> zooKeeper,
        String listenHost,
        int listenPort,
        boolean allowAnonymous,
        Optional<Path> tokenFile,
        String attributes,
        String resources,
        SandboxRetention retention) {
    public static final String DEFAULT_HOST = "127.0.0.1";
    public static final int DEFAULT_PORT = 5051;

    /** Where a master on this host keeps its token. */
    private static final Path LOCAL_TOKEN = Path.of("/var/lib/berth/master/token");

    public MasterOptions {
        masters = List.copyOf(masters);
    }

    /** With sandboxes kept as long as by default. */
    public MasterOptions(
            List<URI> masters,
            Optional<ZooKeeperUrl> zooKeeper,
            String listenHost,
            int listenPort,
            boolean allowAnonymous,
            Optional<Path> tokenFile,
            String attributes,
            String resources) {
        this(
                masters,
                zooKeeper,
                listenHost,
                listenPort,
                allowAnonymous,
                tokenFile,
                attributes,
                resources,
                SandboxRetention.DEFAULT);
    }

    /** What the agent shows to the master, read anew. Blocks on a small file; a failure names the file. */
    public Optional<String> token() throws IOException {
        if (tokenFile.isEmpty() && !Files.isReadable(LOCAL_TOKEN)) {
            return Optional.empty();
        }
        Path file = tokenFile.orElse(LOCAL_TOKEN);
        return Optional.of(TokenFile.read(file));
    }

    /** What was read so far of the options. */
    static final class Draft {
        private List<URI> masters = List.of();
        private Optional<ZooKeeperUrl> zooKeeper = Optional.empty();
        private String host = DEFAULT_HOST;
        private int port = DEFAULT_PORT;
        private boolean anonymous;
        private Optional<Path> tokenFile = Optional.empty();
        private String attributes = "";
        private String resources = "";
        private SandboxRetention retention = SandboxRetention.DEFAULT;
        private String used = "";

        /** False for an option that is not one of these. */
        boolean set(String option, String value) throws AgentException {
            switch (option) {
                case "--master" -> master(value);
                case "--listen" -> listen(value);
                case "--master-token-file" -> tokenFile = Optional.of(Path.of(value));
                case "--attributes" -> attributes = value;
                case "--resources" -> resources = value;
                case "--gc-delay" -> retention = retention.withDelay(value);
                case "--gc-disk-headroom" -> retention = retention.withHeadroom(value);
                default -> {
                    return false;
                }
            }
            used = option;
            return true;
        }

        void allowAnonymous(boolean allowed) {
            anonymous = allowed;
            used = "--allow-anonymous";
        }

        /** {@code http://HOST:PORT[,http://HOST:PORT…]} or {@code zk://HOST:PORT[,HOST:PORT…]/PATH}. */
        private void master(String value) throws AgentException {
            try {
                List<URI> named = new ArrayList<>();
                zooKeeper = Optional.empty();
                if (ZooKeeperUrl.matches(value)) {
                    zooKeeper = Optional.of(ZooKeeperUrl.parse(value));
                } else {
                    for (String one : value.split(",", -1)) {
                        named.add(URI.create("http://" + MasterAddress.parse(one)));
                    }
                }
                masters = List.copyOf(named);
            } catch (DiscoveryException e) {
                throw new AgentException(
                        AgentException.Kind.INVALID, "option --master: " + e.getMessage(), e);
            }
        }

        private void listen(String value) throws AgentException {
            int colon = value.lastIndexOf(':');
            try {
                host = value.substring(0, Math.max(0, colon)).replaceAll("^\\[|\\]$", "");
                port = Integer.parseInt(value.substring(colon + 1));
            } catch (NumberFormatException _) {
                port = -1;
            }
            if (host.isEmpty() || port < 0 || port > 65535) {
                throw AgentException.invalid(
                        "option --listen: want HOST:PORT, got \"" + value + "\"");
            }
        }

        Optional<MasterOptions> options() throws AgentException {
            if (masters.isEmpty() && zooKeeper.isEmpty()) {
                if (!used.isEmpty()) {
                    throw AgentException.invalid(
                            "option " + used + " means nothing without --master");
                }
                return Optional.empty();
            }
            return Optional.of(
                    new MasterOptions(
                            masters,
                            zooKeeper,
                            host,
                            port,
                            anonymous,
                            tokenFile,
                            attributes,
                            resources,
                            retention));
        }
    }
}
