/**
 * Paths that an image or a user controls. A {@link dev.berth.linux.file.SafeRoot} holds a directory open and does everything below it by descriptors; no method here takes or gives
 * a host path for something below a root.
 *
 * <p>Thread: any, one at a time for one root.
 */
@NullMarked
package dev.berth.linux.file;

import org.jspecify.annotations.NullMarked;
