/** Tests of the native programs: each runs a C driver of {@code src/test/c} and turns its lines into JUnit tests. */
@NullMarked
package dev.berth.shim;

import org.jspecify.annotations.NullMarked;
