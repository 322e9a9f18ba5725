/**
 * The caller's terminal and streams: raw mode and its restoration, window size, detach keys, signals, and the frames in which output comes.
 *
 * <p>Thread: named by each type.
 */
@NullMarked
package dev.berth.agent.cli.terminal;

import org.jspecify.annotations.NullMarked;
