/** Limits, tested by their effect in a guest kernel with unified cgroups: {@link dev.berth.tests.guest.GuestTest} boots it and runs the classes tagged {@code inside} there. */
@NullMarked
package dev.berth.tests.guest;

import org.jspecify.annotations.NullMarked;
