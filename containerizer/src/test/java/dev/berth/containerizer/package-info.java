/** Tests of container life without a kernel. */
@NullMarked
package dev.berth.containerizer;

import org.jspecify.annotations.NullMarked;
