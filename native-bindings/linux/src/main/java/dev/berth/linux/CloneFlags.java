package dev.berth.linux;

/** Flags of {@code clone3(2)}, {@code unshare(2)} and {@code setns(2)}, from {@code linux/sched.h}. */
public final class CloneFlags {
    public static final long CLONE_NEWTIME = 0x80L;
    public static final long CLONE_VM = 0x100L;
    public static final long CLONE_PIDFD = 0x1000L;
    public static final long CLONE_VFORK = 0x4000L;
    public static final long CLONE_NEWNS = 0x20000L;
    public static final long CLONE_NEWCGROUP = 0x2000000L;
    public static final long CLONE_NEWUTS = 0x4000000L;
    public static final long CLONE_NEWIPC = 0x8000000L;
    public static final long CLONE_NEWUSER = 0x10000000L;
    public static final long CLONE_NEWPID = 0x20000000L;
    public static final long CLONE_NEWNET = 0x40000000L;
    public static final long CLONE_CLEAR_SIGHAND = 0x100000000L;
    public static final long CLONE_INTO_CGROUP = 0x200000000L;

    private CloneFlags() {}
}
