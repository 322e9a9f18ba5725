/** Tests of the log reader against files that a test writes as a monitor would. */
@NullMarked
package dev.berth.containerizer.log;

import org.jspecify.annotations.NullMarked;
