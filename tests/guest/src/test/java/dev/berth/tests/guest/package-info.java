/** Limits, tested by their effect in guest kernels with unified cgroups: {@link dev.berth.tests.guest.GuestTest} boots them and runs the classes tagged {@code inside} and {@code emulated} there. */
@NullMarked
package dev.berth.tests.guest;

import org.jspecify.annotations.NullMarked;
