package dev.berth.isolator;

/**
 * The order of a launch. Steps of one phase keep the order in which they were contributed.
 *
 * <p>ROOTFS stands before MOUNTS since file systems are attached on the root that is already in place: on a detached tree the kernel refuses that before 6.15.
 */
public enum Phase {
    /** File mode mask and the like of the monitor. */
    PREPARE(Section.HOST),
    /** File systems that must be made outside the device cgroup or that need no namespace of the container. */
    FILESYSTEMS(Section.HOST),
    /** The pseudo-terminal. */
    TERMINAL(Section.HOST),
    /** A pid namespace that the child shall be born into. */
    JOIN(Section.HOST),
    /** After the child was made, beside it. */
    BESIDE(Section.HOST),

    SYNC(Section.CHILD),
    /** Score and the like, written through the spawner's own trusted /proc before any other root is in sight. */
    SELF(Section.CHILD),
    NAMESPACES(Section.CHILD),
    SESSION(Section.CHILD),
    ROOTFS(Section.CHILD),
    MOUNTS(Section.CHILD),
    HOSTNAME(Section.CHILD),
    SYSCTL(Section.CHILD),
    MASKS(Section.CHILD),
    PIVOT(Section.CHILD),
    RLIMITS(Section.CHILD),
    SCHEDULING(Section.CHILD),
    LABELS(Section.CHILD),
    /** Change of directory as root: a directory that only root may enter is allowed, as elsewhere. */
    CWD(Section.CHILD),
    FDS(Section.CHILD),
    CREDENTIALS(Section.CHILD),
    CAPABILITIES(Section.CHILD),
    NO_NEW_PRIVS(Section.CHILD),
    SECCOMP(Section.CHILD),
    EXEC(Section.CHILD);

    private final Section section;

    Phase(Section section) {
        this.section = section;
    }

    public Section section() {
        return section;
    }
}
