/**
 * Verbs about images, and the pull that {@code run} needs.
 *
 * <p>Thread: main.
 */
@NullMarked
package dev.berth.agent.cli.image;

import org.jspecify.annotations.NullMarked;
