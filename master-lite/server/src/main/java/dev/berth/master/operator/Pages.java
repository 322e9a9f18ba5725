package dev.berth.master.operator;

import dev.berth.master.cluster.Cluster;

import java.nio.charset.StandardCharsets;

/** Mesos's older pages. */
public final class Pages {
    private final Cluster cluster;

    public Pages(Cluster cluster) {
        this.cluster = cluster;
    }

    /** One page as JSON. */
    public byte[] json(Page page) {
        return switch (page) {
            case HEALTH -> new byte[0];
            default ->
                    ("{\"version\":\"" + cluster.settings().version() + "\"}")
                            .getBytes(StandardCharsets.UTF_8);
        };
    }

    /** All metrics in Prometheus's text. */
    public byte[] prometheus() {
        return ("berth_frameworks " + cluster.frameworks().size() + "\n")
                .getBytes(StandardCharsets.UTF_8);
    }
}
