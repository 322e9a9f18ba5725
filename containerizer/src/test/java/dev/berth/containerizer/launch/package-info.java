/** Launch programs: merging, lowering, bytes, text, and what they do on the real kernel. */
@NullMarked
package dev.berth.containerizer.launch;

import org.jspecify.annotations.NullMarked;
