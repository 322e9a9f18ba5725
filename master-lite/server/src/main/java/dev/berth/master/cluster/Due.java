package dev.berth.master.cluster;

/** When something is to be looked at next. */
final class Due {
    private long atNs;

    Due(long atNs) {
        this.atNs = atNs;
    }

    long atNs() {
        return atNs;
    }

    /** Then at the latest. */
    void by(long ns) {
        atNs = Math.min(atNs, ns);
    }

    /** Whether it is time; if so, it is looked at now, and whoever looks says when it is next. */
    boolean take(long nowNs) {
        boolean due = atNs <= nowNs;
        atNs = due ? Long.MAX_VALUE : atNs;
        return due;
    }
}
