/**
 * Images in files: reading docker-archive, OCI layout and OCI archive, and writing small OCI archives with the same bytes each time.
 *
 * <p>Thread: the file lane (blocking). Entry types: {@link dev.berth.containerizer.image.archive.ImageArchive}, {@link dev.berth.containerizer.image.archive.OciImageWriter}.
 */
@NullMarked
package dev.berth.containerizer.image.archive;

import org.jspecify.annotations.NullMarked;
