package dev.berth.discovery;

import dev.berth.protocol.MesosJsonReader;
import dev.berth.protocol.ProtocolException;
import dev.berth.protocol.v1.Protos.MasterInfo;

import org.jspecify.annotations.Nullable;

import java.net.URI;
import java.net.URISyntaxException;
import java.util.stream.Stream;

/**
 * Where a master listens.
 *
 * @param host name or IP address, IPv6 without brackets
 * @param port TCP port
 */
public record MasterAddress(String host, int port) {
    /** The port of a master that says none. */
    public static final int DEFAULT_PORT = 5050;

    /** Reads {@code http://HOST[:PORT]} or {@code HOST[:PORT]}. */
    public static MasterAddress parse(String text) throws DiscoveryException {
        String url = text.contains("://") ? text : "http://" + text;
        try {
            URI uri = new URI(url);
            String path = uri.getRawPath();
            if (!"http".equals(uri.getScheme())
                    || uri.getHost() == null
                    || uri.getRawUserInfo() != null
                    || uri.getRawQuery() != null
                    || uri.getRawFragment() != null
                    || !(path == null || path.isEmpty() || path.equals("/"))
                    || uri.getPort() == 0
                    || uri.getPort() > 65535) {
                throw malformed(text, null);
            }
            String host = uri.getHost();
            if (host.startsWith("[")) {
                host = host.substring(1, host.length() - 1);
            }
            return new MasterAddress(host, uri.getPort() < 0 ? DEFAULT_PORT : uri.getPort());
        } catch (URISyntaxException e) {
            throw malformed(text, e);
        }
    }

    private static DiscoveryException malformed(String text, @Nullable Exception cause) {
        String message =
                "not a master's address: '"
                        + text
                        + "' (expected http://HOST:PORT or zk://HOST:PORT,HOST:PORT/PATH)";
        return cause == null
                ? new DiscoveryException(message)
                : new DiscoveryException(message, cause);
    }

    /** Reads what a master has written about itself, in Mesos's JSON: its name, or its IP address where it says no name, or one that no URL can have. */
    static MasterAddress ofInfo(byte[] json) throws ProtocolException {
        MasterInfo info = MesosJsonReader.read(json, MasterInfo.getDefaultInstance());
        // Network byte order in memory of a little-endian machine: the first octet is the lowest.
        int ip = info.getIp();
        String octets =
                (ip & 0xff) + "." + (ip >> 8 & 0xff) + "." + (ip >> 16 & 0xff) + "." + (ip >>> 24);
        int port = info.getAddress().getPort();
        return Stream.of(
                        new MasterAddress(info.getAddress().getHostname(), port),
                        new MasterAddress(info.getHostname(), info.getPort()),
                        new MasterAddress(info.getAddress().getIp(), port),
                        new MasterAddress(ip == 0 ? "" : octets, info.getPort()))
                .filter(MasterAddress::isReachable)
                .findFirst()
                .orElseThrow(() -> new ProtocolException("it names no HOST:PORT"));
    }

    /** Whether a URL can name it. */
    private boolean isReachable() {
        try {
            return port > 0 && port <= 65535 && new URI("http://" + this).getHost() != null;
        } catch (URISyntaxException _) {
            return false;
        }
    }

    /** {@code host:port}, IPv6 in brackets. */
    @Override
    public String toString() {
        return (host.indexOf(':') >= 0 ? "[" + host + "]" : host) + ":" + port;
    }
}
