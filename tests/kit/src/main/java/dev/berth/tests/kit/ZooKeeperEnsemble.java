package dev.berth.tests.kit;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeoutException;
import java.util.stream.Collectors;

/** Three real ZooKeeper servers that are one, each a child JVM. One thread. */
public final class ZooKeeperEnsemble implements AutoCloseable {
    private static final int SERVERS = 3;
    private static final int TRIES = 3;
    private static final int START_SECONDS = 40;

    private final List<ZooKeeperNode> servers = new ArrayList<>();

    private ZooKeeperEnsemble() {}

    /** Starts them below {@code directory}; returns when all serve. */
    public static ZooKeeperEnsemble start(Path directory) throws Exception {
        for (int attempt = 1; ; attempt++) {
            ZooKeeperEnsemble ensemble = new ZooKeeperEnsemble();
            try {
                ensemble.launch(directory.resolve("try" + attempt));
                ensemble.awaitAll(START_SECONDS);
                return ensemble;
            } catch (TimeoutException | IOException e) {
                // Somebody else was given one of the ports in between.
                ensemble.close();
                if (attempt == TRIES) {
                    throw e;
                }
            }
        }
    }

    private void launch(Path directory) throws IOException {
        List<String> settings = new ArrayList<>(List.of("initLimit=10", "syncLimit=5"));
        for (int i = 1; i <= SERVERS; i++) {
            settings.add(
                    "server."
                            + i
                            + "=127.0.0.1:"
                            + ZooKeeperNode.freePort()
                            + ":"
                            + ZooKeeperNode.freePort());
        }
        for (int i = 1; i <= SERVERS; i++) {
            servers.add(
                    ZooKeeperNode.of(
                            i, directory.resolve("z" + i), ZooKeeperNode.freePort(), settings));
        }
    }

    public List<ZooKeeperNode> servers() {
        return List.copyOf(servers);
    }

    /** Waits until all are in the ensemble. */
    public void awaitAll(double seconds) throws Exception {
        Await.until(
                "all of the ensemble serve",
                seconds,
                () -> {
                    for (ZooKeeperNode server : servers) {
                        if (!server.isAlive()) {
                            throw new IOException("a ZooKeeper has ended: " + server.log());
                        }
                    }
                    return servers.stream().noneMatch(server -> server.mode().isEmpty());
                });
    }

    /** The server that the others follow; waits for it. */
    public ZooKeeperNode leader(double seconds) throws Exception {
        List<ZooKeeperNode> found = new ArrayList<>();
        Await.until(
                "one of the ensemble leads",
                seconds,
                () -> {
                    servers.stream()
                            .filter(server -> server.isAlive() && server.mode().equals("leader"))
                            .forEach(found::add);
                    return !found.isEmpty();
                });
        return found.getFirst();
    }

    /** A place in it as {@code --zk} and {@code --master} want it, with all servers. */
    public String url(String path) {
        return servers.stream()
                .map(ZooKeeperNode::address)
                .collect(Collectors.joining(",", "zk://", path));
    }

    @Override
    public void close() {
        servers.forEach(ZooKeeperNode::close);
    }
}
