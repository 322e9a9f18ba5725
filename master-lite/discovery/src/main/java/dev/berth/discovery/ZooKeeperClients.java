package dev.berth.discovery;

import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.CuratorFrameworkFactory;
import org.apache.curator.framework.api.ACLProvider;
import org.apache.curator.retry.RetryNTimes;
import org.apache.zookeeper.ZooDefs;
import org.apache.zookeeper.client.ZKClientConfig;
import org.apache.zookeeper.common.ZKConfig;
import org.apache.zookeeper.data.ACL;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/** Makes ZooKeeper clients. Any thread. */
public final class ZooKeeperClients {
    private static final int CONNECT_MS = 3_000;
    private static final int MOST_ANSWER_BYTES = 64 << 20;

    private ZooKeeperClients() {}

    /**
     * Starts a client, without waiting for a connection; the caller closes it. It connects again by itself, but repeats no operation: whoever asks decides what an unknown outcome means.
     *
     * @param sessionMs after so long without a word ZooKeeper takes the client for lost
     */
    public static CuratorFramework start(ZooKeeperUrl url, int sessionMs) {
        CuratorFrameworkFactory.Builder builder =
                CuratorFrameworkFactory.builder()
                        .connectString(url.servers())
                        .sessionTimeoutMs(sessionMs)
                        .connectionTimeoutMs(CONNECT_MS)
                        .zkClientConfig(settings())
                        .retryPolicy(new RetryNTimes(0, 1))
                        .dontUseContainerParents();
        url.credentials()
                .ifPresent(credentials -> {
                    builder.authorization("digest", credentials.getBytes(StandardCharsets.UTF_8));
                    builder.aclProvider(owned());
                });
        CuratorFramework client = builder.build();
        client.start();
        return client;
    }

    /** The names of all agents come in one answer, and the client's usual limit of 1 MiB is that of 20,000: a master could not read its registry any more. */
    private static ZKClientConfig settings() {
        ZKClientConfig settings = new ZKClientConfig();
        settings.setProperty(ZKConfig.JUTE_MAXBUFFER, Integer.toString(MOST_ANSWER_BYTES));
        return settings;
    }

    /** Everyone may read, so that schedulers find the leader without the password; only masters may write. */
    private static ACLProvider owned() {
        List<ACL> acl = new ArrayList<>(ZooDefs.Ids.CREATOR_ALL_ACL);
        acl.addAll(ZooDefs.Ids.READ_ACL_UNSAFE);
        return new ACLProvider() {
            @Override
            public List<ACL> getDefaultAcl() {
                return acl;
            }

            @Override
            public List<ACL> getAclForPath(String path) {
                return acl;
            }
        };
    }
}
