package dev.berth.discovery;

import org.apache.zookeeper.KeeperException;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.ArrayList;
import java.util.List;

/** What does not work with a ZooKeeper, and what helps, in words for the operator. Any thread. */
public final class ZooKeeperTrouble {
    private static final int USER_SHOWN = 64;

    private ZooKeeperTrouble() {}

    /** None of its servers answers. Looks their names up, which may take a while. */
    public static String silent(ZooKeeperUrl url) {
        List<String> unknown = new ArrayList<>();
        for (String server : url.servers().split(",", -1)) {
            String host = server.substring(0, server.lastIndexOf(':'));
            try {
                var _ = InetAddress.getByName(host);
            } catch (UnknownHostException _) {
                unknown.add(host);
            }
        }
        return "ZooKeeper does not answer at "
                + url.servers()
                + (unknown.isEmpty() ? "" : " (no such host: " + String.join(", ", unknown) + ")")
                + ": do more than half of its servers run, and are these their addresses?";
    }

    /** Why an operation failed. */
    public static String of(ZooKeeperUrl url, Exception failure) {
        return switch (failure) {
            case KeeperException.NoAuthException _ -> refused(url);
            case KeeperException.AuthFailedException _ -> refused(url);
            case KeeperException.ConnectionLossException _ -> silent(url);
            case KeeperException.OperationTimeoutException _ -> silent(url);
            default -> "ZooKeeper at " + url.servers() + ": " + failure.getMessage();
        };
    }

    private static String refused(ZooKeeperUrl url) {
        String user =
                url.credentials()
                        .map(both -> both.substring(0, both.indexOf(':')))
                        .map(name -> name.substring(0, Math.min(USER_SHOWN, name.length())))
                        .map(name -> "user '" + name + "' with this password")
                        .orElse("a client without a password");
        return "ZooKeeper at "
                + url.servers()
                + " refuses "
                + url.path()
                + " to "
                + user
                + ": name who made it, as zk://USER:PASSWORD@"
                + url.servers()
                + url.path();
    }
}
