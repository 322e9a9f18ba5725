/**
 * Verbs that start something and may stay with it: {@code run create start attach exec plan}. {@link dev.berth.agent.cli.run.CreateBody} turns flags into a request, {@link dev.berth.agent.cli.run.Attachment} moves
 * bytes until the end or the detach keys.
 *
 * <p>Thread: main; input is read by a daemon thread of its own.
 */
@NullMarked
package dev.berth.agent.cli.run;

import org.jspecify.annotations.NullMarked;
