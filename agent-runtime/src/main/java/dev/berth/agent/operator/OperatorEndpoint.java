package dev.berth.agent.operator;

import dev.berth.http.PathTable;

import java.util.Optional;

/** What can be asked for, by path. */
enum OperatorEndpoint {
    CALL,
    STATE,
    METRICS_SNAPSHOT,
    PROMETHEUS,
    BROWSE,
    READ,
    DOWNLOAD,
    HEALTH,
    VERSION;

    private static final PathTable<OperatorEndpoint> BY_PATH = new PathTable<>("/slave(1)");

    static {
        BY_PATH.add("/api/v1", CALL);
        BY_PATH.add("/state", STATE);
        BY_PATH.add("/state.json", STATE);
        BY_PATH.add("/metrics/snapshot", METRICS_SNAPSHOT);
        BY_PATH.add("/metrics", PROMETHEUS);
        BY_PATH.add("/files/browse", BROWSE);
        BY_PATH.add("/files/browse.json", BROWSE);
        BY_PATH.add("/files/read", READ);
        BY_PATH.add("/files/read.json", READ);
        BY_PATH.add("/files/download", DOWNLOAD);
        BY_PATH.add("/files/download.json", DOWNLOAD);
        BY_PATH.add("/health", HEALTH);
        BY_PATH.add("/version", VERSION);
    }

    /** Of a path without its query. */
    static Optional<OperatorEndpoint> find(String path) {
        return BY_PATH.find(path).map(PathTable.Found::value);
    }

    /** Only health and version are for everybody, and also while the agent recovers. */
    boolean isOpen() {
        return this == HEALTH || this == VERSION;
    }

    String realm() {
        return this == CALL ? "mesos-agent-readwrite" : "mesos-agent-readonly";
    }
}
