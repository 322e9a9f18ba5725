/**
 * The client side of a registry (distribution-spec v1): resolve a tag, read manifests and configurations whole, read blobs as streams from any offset, with anonymous, basic and token authorization.
 *
 * <p>Rules that hold everywhere here: credentials go only to the registry that they are for and to the token service that it names, never along a redirect to another host; bytes are verified against their
 * digest before anything parses them; every wait has a deadline.
 *
 * <p>Thread: the file lane (blocking). Entry type: {@link dev.berth.containerizer.image.registry.RegistrySession}.
 */
@NullMarked
package dev.berth.containerizer.image.registry;

import org.jspecify.annotations.NullMarked;
