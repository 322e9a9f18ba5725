/**
 * Root file systems of containers: durable writable layers, the detached overlay mount over an image's layers, what must exist inside before a launch, and users looked up inside.
 *
 * <pre>
 * DATA-ROOT/containers/ID/upper    what the container wrote; its owner and mode are those of the image's topmost root directory
 * DATA-ROOT/containers/ID/work     overlay's own
 * </pre>
 *
 * <p>Nothing here is ever mounted in the host's mount namespace where the kernel can do without. Everything inside a root is reached through {@link dev.berth.linux.file.SafeRoot}: the root's content is
 * somebody else's.
 *
 * <p>Thread: file lane. Entry type: {@link dev.berth.containerizer.snapshot.Snapshots}.
 */
@NullMarked
package dev.berth.containerizer.snapshot;

import org.jspecify.annotations.NullMarked;
