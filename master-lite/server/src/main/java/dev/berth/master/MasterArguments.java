package dev.berth.master;

import dev.berth.discovery.DiscoveryException;
import dev.berth.discovery.MasterAddress;
import dev.berth.discovery.ZooKeeperUrl;

import java.nio.file.Path;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.TreeMap;

/**
 * What {@code berth master} was told.
 *
 * @param listen where it listens; port 0 for any
 * @param dataRoot registry and token
 * @param zooKeeper the election it takes part in
 * @param anonymous whether no token is needed
 * @param tokenFile the token, made when it is missing
 * @param cluster a name for people
 * @param hostname how others reach it, where that is not the address it listens on
 * @param agentTimeoutSeconds after so long without a word an agent is unreachable
 */
record MasterArguments(
        MasterAddress listen,
        Path dataRoot,
        Optional<ZooKeeperUrl> zooKeeper,
        boolean anonymous,
        Path tokenFile,
        Optional<String> cluster,
        Optional<String> hostname,
        OptionalInt agentTimeoutSeconds) {
    static final String HELP =
            """
            Usage: berth master [OPTIONS]

            Runs a master: agents report to it what they have, it offers that to frameworks (Mesos v1 HTTP API).

              --listen HOST:PORT   where to listen (default 127.0.0.1:5050)
              --data-root DIR      registry and token (default /var/lib/berth/master)
              --zk zk://H:P,H:P/PATH
                                   elect a leader among several masters, and keep the registry, in ZooKeeper;
                                   zk://USER:PASSWORD@H:P/PATH: only they may write there; file:///FILE: it stands in FILE
              --hostname NAME      how others reach this master (default: the address it listens on)
              --cluster NAME       a name for people
              --token-file FILE    token that clients and agents show (default DATA-ROOT/token, made at first start);
                                   masters of one ZooKeeper path share one token
              --agent-timeout SECS an agent that is silent for so long is unreachable (default 15); its tasks run on
              --allow-anonymous    no token is needed: everybody who reaches the port may run programs as root on all agents
              -h, --help           this text
            """;

    private static final String DATA_ROOT = "/var/lib/berth/master";

    /** Wrong arguments; the message is for whoever typed them. */
    static final class WrongException extends Exception {
        WrongException(String message) {
            super(message);
        }
    }

    static MasterArguments parse(List<String> words) throws WrongException {
        Map<String, String> values = new TreeMap<>();
        boolean anonymous = false;
        Iterator<String> rest = words.iterator();
        while (rest.hasNext()) {
            String word = rest.next();
            int equals = word.indexOf('=');
            String flag = equals < 0 ? word : word.substring(0, equals);
            switch (flag) {
                case "--allow-anonymous" -> {
                    if (equals >= 0) {
                        throw new WrongException("option --allow-anonymous takes no value");
                    }
                    anonymous = true;
                }
                case "--listen",
                        "--data-root",
                        "--zk",
                        "--hostname",
                        "--cluster",
                        "--agent-timeout",
                        "--token-file" -> {
                    if (equals < 0 && !rest.hasNext()) {
                        throw new WrongException("option " + flag + " needs a value");
                    }
                    String value = equals < 0 ? rest.next() : word.substring(equals + 1);
                    if (value.isEmpty()) {
                        throw new WrongException("option " + flag + " needs a value");
                    }
                    values.put(flag, value);
                }
                default ->
                        throw new WrongException(
                                "unknown option '" + word + "' (see berth master --help)");
            }
        }
        if (anonymous && values.containsKey("--token-file")) {
            throw new WrongException("--allow-anonymous and --token-file exclude each other");
        }
        String hostname = values.get("--hostname");
        // Agents, clients and ZooKeeper are told it: one that is none would be found out far away.
        if (hostname != null && !hostname.matches("[A-Za-z0-9._:%-]+")) {
            throw new WrongException(
                    "option --hostname: want a name or an address, got '" + hostname + "'");
        }
        Path dataRoot = Path.of(values.getOrDefault("--data-root", DATA_ROOT)).toAbsolutePath();
        String zooKeeper = values.get("--zk");
        String tokenFile = values.get("--token-file");
        return new MasterArguments(
                listen(values.getOrDefault("--listen", "127.0.0.1:5050")),
                dataRoot,
                zooKeeper == null ? Optional.empty() : Optional.of(zooKeeper(zooKeeper)),
                anonymous,
                tokenFile == null ? dataRoot.resolve("token") : Path.of(tokenFile).toAbsolutePath(),
                Optional.ofNullable(values.get("--cluster")),
                Optional.ofNullable(hostname),
                timeout(Optional.ofNullable(values.get("--agent-timeout"))));
    }

    private static OptionalInt timeout(Optional<String> seconds) throws WrongException {
        if (seconds.isEmpty()) {
            return OptionalInt.empty();
        }
        if (!seconds.get().matches("[1-9][0-9]{0,5}")) {
            throw new WrongException(
                    "option --agent-timeout: want a number of seconds from 1 on, got '"
                            + seconds.get()
                            + "'");
        }
        return OptionalInt.of(Integer.parseInt(seconds.get()));
    }

    private static MasterAddress listen(String text) throws WrongException {
        int colon = text.lastIndexOf(':');
        String port = text.substring(colon + 1);
        boolean number =
                !port.isEmpty()
                        && port.length() <= 5
                        && port.chars().allMatch(c -> c >= '0' && c <= '9')
                        && Integer.parseInt(port) <= 65535;
        if (colon <= 0 || !number) {
            throw new WrongException("option --listen: want HOST:PORT, got '" + text + "'");
        }
        String host = text.substring(0, colon);
        if (host.startsWith("[") && host.endsWith("]")) {
            host = host.substring(1, host.length() - 1);
        }
        return new MasterAddress(host, Integer.parseInt(port));
    }

    private static ZooKeeperUrl zooKeeper(String text) throws WrongException {
        try {
            return ZooKeeperUrl.parse(text);
        } catch (DiscoveryException e) {
            throw new WrongException("option --zk: " + e.getMessage());
        }
    }

    /** As GET_FLAGS shows them. */
    Map<String, String> flags() {
        Map<String, String> flags = new TreeMap<>();
        flags.put("listen", listen.toString());
        flags.put("data_root", dataRoot.toString());
        zooKeeper.ifPresent(url -> flags.put("zk", url.toString()));
        flags.put("allow_anonymous", Boolean.toString(anonymous));
        cluster.ifPresent(name -> flags.put("cluster", name));
        hostname.ifPresent(name -> flags.put("hostname", name));
        agentTimeoutSeconds.ifPresent(
                seconds -> flags.put("agent_timeout", Integer.toString(seconds)));
        return flags;
    }
}
