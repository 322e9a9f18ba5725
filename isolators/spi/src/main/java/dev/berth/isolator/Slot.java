package dev.berth.isolator;

/**
 * A named place for one descriptor that comes with a launch program. A plan names the slots it needs; {@link Isolator#acquire} or the containerizer fills them.
 *
 * @param name unique within a plan
 */
public record Slot(String name) {
    /** The root file system: a detached mount ({@code fsmount(2)} or {@code open_tree(2)} with OPEN_TREE_CLONE). */
    public static final Slot ROOT = new Slot("ROOT");

    /** The container's cgroup directory, for CLONE_INTO_CGROUP. */
    public static final Slot CGROUP = new Slot("CGROUP");

    /** A network namespace with its loopback up. */
    public static final Slot NETNS = new Slot("NETNS");

    /** Another container's pid namespace (any descriptor that {@code setns(2)} takes: nsfs file or pidfd). */
    public static final Slot PIDNS = new Slot("PIDNS");

    /** Another container's ipc namespace, as {@link #PIDNS}. */
    public static final Slot IPCNS = new Slot("IPCNS");

    /** The pidfd of a running container's first process, for a further process beside it. */
    public static final Slot PIDFD = new Slot("PIDFD");

    /** Directory of the exit record and the monitor's socket. */
    public static final Slot RUN_DIR = new Slot("RUN_DIR");

    /** Directory of the log; a plan without it is not logged. */
    public static final Slot LOG_DIR = new Slot("LOG_DIR");

    /** Given standard streams; without them the monitor makes pipes. */
    public static final Slot STDIN = new Slot("STDIN");

    public static final Slot STDOUT = new Slot("STDOUT");

    public static final Slot STDERR = new Slot("STDERR");

    /** The n-th mount of the configuration: an {@code open_tree(2)} clone of its source. */
    public static Slot bind(int n) {
        return new Slot("BIND_" + n);
    }

    /** A generated file that is bound over the root, by its name in {@link ContainerConfig#hostsFiles}: an {@code open_tree(2)} clone of the file. */
    public static Slot file(String name) {
        return new Slot("FILE_" + name);
    }

    @Override
    public String toString() {
        return name;
    }
}
