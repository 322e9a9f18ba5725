package dev.berth.isolator;

/** Which side of the clone executes a step of a launch program. */
public enum Section {
    /** The monitor: root's own capabilities, the host's namespaces, outside the container's device cgroup. */
    HOST,
    /** The new process: already in its cgroup and in the namespaces that clone3 made. */
    CHILD
}
