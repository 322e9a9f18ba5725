/**
 * Control groups, version 2 only: the tree {@code ROOT/{agent,monitors,helpers,c/ID}}, limits in OCI terms written as kernel files, usage, events, freezing and killing.
 *
 * <p>Processes of a container live directly in {@code ROOT/c/ID} (ADR 0002), so that {@code memory.max} and the like are what a program sees at the root of its cgroup namespace. On hybrid hosts a controller
 * that is mounted as version 1 is not enforced, and {@link dev.berth.isolator.CgroupControl#warnings} says so.
 *
 * <p>Thread: conductor, except what {@link dev.berth.isolator.CgroupControl} and {@link dev.berth.isolator.Isolator} give to the kernel lane. Entry type: {@link
 * dev.berth.isolator.cgroup2.Cgroup2Control}. Source: Documentation/admin-guide/cgroup-v2.rst, runtime-spec config-linux "Control groups".
 */
@NullMarked
package dev.berth.isolator.cgroup2;

import org.jspecify.annotations.NullMarked;
