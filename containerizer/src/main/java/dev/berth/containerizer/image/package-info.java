/**
 * Images: references, registries, archives, layouts, layers, unpacking and garbage collection. Content is named by digest; nothing is visible until it is verified and committed.
 *
 * <p>Thread: the file lane (blocking), except where a type says otherwise. Entry type: {@link dev.berth.containerizer.image.ImageStore}.
 */
@NullMarked
package dev.berth.containerizer.image;

import org.jspecify.annotations.NullMarked;
