/**
 * What the kernel's own files say of devices, without NVML: provider {@code proc} (GPUs from {@code /proc/driver/nvidia}, {@code /proc/devices} and sysfs), XIDs from {@code /dev/kmsg} for whichever provider runs,
 * the nodes of the NVIDIA driver, and who has a device open. Entry types: {@link dev.berth.gpu.proc.ProcDeviceProvider}, {@link dev.berth.gpu.proc.KmsgReader}, {@link dev.berth.gpu.proc.NvidiaNodes}.
 *
 * <p>What blocks, or may hang in a driver, runs on a lane with a deadline; the conductor only polls. Every host file is read below one host root, so that a simulated host is read like a real one. Source:
 * Documentation/ABI/testing/dev-kmsg, sysfs-bus-pci; the NVIDIA driver's README, "/proc interface".
 */
@NullMarked
package dev.berth.gpu.proc;

import org.jspecify.annotations.NullMarked;
