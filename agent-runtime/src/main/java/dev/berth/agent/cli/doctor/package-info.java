/**
 * {@code berth doctor}: what of the kernel, the permissions and the packages is there, what is lost without it and how to get it. Kernel features are found out by using them, in a child and in a cgroup of its own that is
 * removed again.
 *
 * <p>Thread: main. Entry type: {@link dev.berth.agent.cli.doctor.DoctorVerb}.
 */
@NullMarked
package dev.berth.agent.cli.doctor;

import org.jspecify.annotations.NullMarked;
