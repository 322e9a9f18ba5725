/**
 * Verbs about containers that exist already.
 *
 * <p>Thread: main.
 */
@NullMarked
package dev.berth.agent.cli.container;

import org.jspecify.annotations.NullMarked;
