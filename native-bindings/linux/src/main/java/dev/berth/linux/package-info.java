/**
 * A typed view of the Linux system calls that the agent itself makes, by the Foreign Function and Memory API. One method is one system call under its man-page name;
 * every failure is an {@link dev.berth.linux.ErrnoException} made in the same call that captured errno. Nothing here knows about containers.
 *
 * <p>Thread: any, unless a method says otherwise. Entry type: {@link dev.berth.linux.Linux}.
 */
@NullMarked
package dev.berth.linux;

import org.jspecify.annotations.NullMarked;
