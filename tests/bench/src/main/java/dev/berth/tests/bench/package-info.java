/** Measurements beside a peer in the same run. They print figures and never gate a test. */
@NullMarked
package dev.berth.tests.bench;

import org.jspecify.annotations.NullMarked;
