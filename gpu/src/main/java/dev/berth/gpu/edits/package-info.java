/**
 * How container edits, whoever made them, become part of a container's configuration. Pure.
 *
 * <p>Thread: any.
 */
@NullMarked
package dev.berth.gpu.edits;

import org.jspecify.annotations.NullMarked;
