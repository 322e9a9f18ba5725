/**
 * What the process itself is: session and streams, limits, user and capabilities, seccomp filter, sysctls, program.
 *
 * <p>Thread: any; everything here is pure.
 */
@NullMarked
package dev.berth.isolator.process;

import org.jspecify.annotations.NullMarked;
