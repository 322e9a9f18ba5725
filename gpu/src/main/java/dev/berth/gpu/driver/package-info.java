/**
 * The host's NVIDIA driver as containers see it: which files belong to it, one ready mount tree of them for each set of capabilities, what of {@code /proc/driver/nvidia} a grant shows, and the edits of a grant.
 *
 * <pre>
 * in the container                       is
 * /usr/local/nvidia/lib64, lib, bin      binds of the host's files, read-only, nosuid, nodev; SONAME links beside them
 * /usr/local/nvidia/firmware, share      firmware of the GPU's own processor; configuration for graphics
 * /usr/bin/nvidia-smi and the like       links into it, where the image has nothing
 * /proc/driver/nvidia                    a prepared directory with the granted GPUs only and ModifyDeviceFiles: 0
 * </pre>
 *
 * <p>The directory's name is the one that CUDA images have in PATH, LD_LIBRARY_PATH and ld.so.conf.d already; other images get it appended to both variables, so that glibc, musl and images without a shell or a
 * loader cache find it without anything of theirs being run. Programs started with an empty environment find nothing until ldconfig was run in the container: the link in {@code /etc/ld.so.conf.d} is for that.
 *
 * <p>One tree, not one bind for each file: measured on Linux 6.18, two vCPUs, a start with 25 binds takes 0.2 to 0.6 ms longer (0.7 to 1 ms when its program was not prepared), one with a ready tree of 25 files 0.3 ms (p10).
 * A kernel before 6.15 cannot clone a tree that is not attached; there each file is a bind, over the same directory.
 *
 * <p>Every file is opened once, below the driver root and following links only inside it, checked (regular, root's, no parent that others may write) and held by descriptor; what is mounted is what was checked.
 *
 * <p>Thread: {@link dev.berth.gpu.driver.DriverView#open} file lane; {@link dev.berth.gpu.driver.DriverView#edits} conductor.
 */
@NullMarked
package dev.berth.gpu.driver;

import org.jspecify.annotations.NullMarked;
