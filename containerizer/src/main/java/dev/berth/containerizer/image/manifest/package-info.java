/**
 * The documents that describe an image: descriptors, manifests, indexes and configurations of OCI image-spec v1 and of Docker's registry schema 2. Pure: bytes in, values out; a caller verifies the bytes
 * against their digest before it parses them.
 *
 * <p>Thread: any. Entry type: {@link dev.berth.containerizer.image.manifest.ManifestDocument}.
 */
@NullMarked
package dev.berth.containerizer.image.manifest;

import org.jspecify.annotations.NullMarked;
