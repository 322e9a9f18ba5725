/** Tests of the journal on a temporary directory. */
@NullMarked
package dev.berth.containerizer.journal;

import org.jspecify.annotations.NullMarked;
