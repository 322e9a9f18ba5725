/**
 * The device cgroup: eBPF programs assembled from ordered rules, attached before the first process, replaced live, verified and restored.
 *
 * <p>Thread: conductor. Entry type: {@link dev.berth.isolator.cgroup2.devices.DeviceIsolator}. Source: BPF_PROG_TYPE_CGROUP_DEVICE, Documentation/admin-guide/cgroup-v2.rst "Device controller".
 */
@NullMarked
package dev.berth.isolator.cgroup2.devices;

import org.jspecify.annotations.NullMarked;
