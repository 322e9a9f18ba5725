package dev.berth.isolator;

import dev.berth.linux.CloneFlags;

/** Kinds of namespaces ({@code namespaces(7)}), with their CLONE_NEW* bit. */
public enum Namespace {
    MOUNT(CloneFlags.CLONE_NEWNS, "mnt"),
    CGROUP(CloneFlags.CLONE_NEWCGROUP, "cgroup"),
    UTS(CloneFlags.CLONE_NEWUTS, "uts"),
    IPC(CloneFlags.CLONE_NEWIPC, "ipc"),
    USER(CloneFlags.CLONE_NEWUSER, "user"),
    PID(CloneFlags.CLONE_NEWPID, "pid"),
    NETWORK(CloneFlags.CLONE_NEWNET, "net"),
    TIME(CloneFlags.CLONE_NEWTIME, "time");

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
