/**
 * The container's file system tree: root, default file systems, {@code /dev}, binds and tmpfs, masked and read-only paths.
 *
 * <p>Device nodes and everything that needs no namespace of the container is made by the monitor, outside the device cgroup; proc, sysfs, mqueue and cgroup2 by the child, since they show the namespaces of whoever
 * opens them. Bind sources are opened by the agent, in the host's mount namespace.
 *
 * <p>Thread: plans any; acquire conductor.
 */
@NullMarked
package dev.berth.isolator.filesystem;

import org.jspecify.annotations.NullMarked;
