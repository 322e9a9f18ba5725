/**
 * Layers: one streaming pass that takes a compressed tar, checks its diff id and writes the tree that it describes, in overlayfs's form: a removed name is a character device 0:0, a directory that hides the one below has
 * {@code trusted.overlay.opaque=y} (kernel, filesystems/overlayfs.rst). Each tree stands alone, so images share it whatever lies below.
 *
 * <p>Layers come from strangers: names are resolved inside the tree by the kernel, and entries, bytes and the compression ratio have limits. The tar is read here and not by a library because capability
 * attributes are binary, and the libraries at hand decode them as text.
 *
 * <p>Thread: the file lane (blocking); one unpacker, one thread. Entry type: {@link dev.berth.containerizer.image.layer.LayerUnpacker}.
 */
@NullMarked
package dev.berth.containerizer.image.layer;

import org.jspecify.annotations.NullMarked;
