package dev.berth.agent.operator;

import dev.berth.http.PathTable;

import java.util.List;
import java.util.Optional;

/** What can be asked for, by path. */
enum OperatorEndpoint {
    CALL("/api/v1"),
    STATE("/state", "/state.json"),
    METRICS_SNAPSHOT("/metrics/snapshot"),
    PROMETHEUS("/metrics"),
    BROWSE("/files/browse", "/files/browse.json"),
    READ("/files/read", "/files/read.json"),
    DOWNLOAD("/files/download", "/files/download.json"),
    HEALTH("/health"),
    VERSION("/version");

    private static final PathTable<OperatorEndpoint> BY_PATH = new PathTable<>("/slave(1)");

    static {
        for (OperatorEndpoint endpoint : values()) {
            endpoint.paths.forEach(path -> BY_PATH.add(path, endpoint));
        }
    }

    private final List<String> paths;

    OperatorEndpoint(String... paths) {
        this.paths = List.of(paths);
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
