package dev.berth.isolator;

/** Kinds of namespaces ({@code namespaces(7)}), with their CLONE_NEW* bit. */
public enum Namespace {
    MOUNT(0x0002_0000L, "mnt"),
    CGROUP(0x0200_0000L, "cgroup"),
    UTS(0x0400_0000L, "uts"),
    IPC(0x0800_0000L, "ipc"),
    USER(0x1000_0000L, "user"),
    PID(0x2000_0000L, "pid"),
    NETWORK(0x4000_0000L, "net"),
    TIME(0x80L, "time");

    private final long cloneFlag;
    private final String procName;

    Namespace(long cloneFlag, String procName) {
        this.cloneFlag = cloneFlag;
        this.procName = procName;
    }

    /** CLONE_NEW*. */
    public long cloneFlag() {
        return cloneFlag;
    }

    /** The name in {@code /proc/PID/ns}. */
    public String procName() {
        return procName;
    }
}
