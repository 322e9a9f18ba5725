package dev.berth.master.transport;

import dev.berth.http.PathTable;
import dev.berth.master.operator.Page;

import java.util.Optional;

/** What can be asked for, by path. */
record Endpoint(Kind kind, Optional<Page> page, String realm) {
    /** What happens with a request. */
    enum Kind {
        SCHEDULER,
        OPERATOR,
        LINK,
        PAGE,
        PROMETHEUS,
        HEALTH,
        VERSION,
        REDIRECT
    }

    private static final String READ_ONLY = "mesos-master-readonly";
    private static final PathTable<Endpoint> BY_PATH = new PathTable<>("/master");

    static {
        add("/api/v1/scheduler", Kind.SCHEDULER, "mesos-master-scheduler");
        add("/api/v1", Kind.OPERATOR, "mesos-master-readwrite");
        add("/berth/v1/link", Kind.LINK, "berth-master-link");
        add("/metrics", Kind.PROMETHEUS, READ_ONLY);
        add("/health", Kind.HEALTH, READ_ONLY);
        add("/version", Kind.VERSION, READ_ONLY);
        add("/redirect", Kind.REDIRECT, READ_ONLY);
        page("/state", Page.STATE);
        page("/state.json", Page.STATE);
        page("/state-summary", Page.STATE_SUMMARY);
        page("/slaves", Page.SLAVES);
        page("/tasks", Page.TASKS);
        page("/tasks.json", Page.TASKS);
        page("/frameworks", Page.FRAMEWORKS);
        page("/roles", Page.ROLES);
        page("/roles.json", Page.ROLES);
        page("/flags", Page.FLAGS);
        page("/metrics/snapshot", Page.METRICS_SNAPSHOT);
    }

    private static void add(String path, Kind kind, String realm) {
        BY_PATH.add(path, new Endpoint(kind, Optional.empty(), realm));
    }

    private static void page(String path, Page page) {
        BY_PATH.add(path, new Endpoint(Kind.PAGE, Optional.of(page), READ_ONLY));
    }

    /** The endpoint of a path, without its query. */
    static Optional<Endpoint> find(String path) {
        return BY_PATH.find(path)
                .filter(found -> !(found.below() && found.value().kind == Kind.REDIRECT))
                .map(PathTable.Found::value);
    }

    /** Only health checks, redirects and the version are for everybody. */
    boolean needsToken() {
        return switch (kind) {
            case HEALTH, VERSION, REDIRECT -> false;
            default -> true;
        };
    }

    /** Whether only the leader answers. */
    boolean needsLeader() {
        return switch (kind) {
            case SCHEDULER, OPERATOR, LINK -> true;
            case PAGE -> page.filter(p -> p == Page.METRICS_SNAPSHOT).isEmpty();
            case PROMETHEUS, HEALTH, VERSION, REDIRECT -> false;
        };
    }

    /** Whether it takes POST; all others are read. */
    boolean isCall() {
        return kind == Kind.SCHEDULER || kind == Kind.OPERATOR || kind == Kind.LINK;
    }
}
