/**
 * The conductor: one thread that owns all container state, its commands, timers and news. Commands arrive by a queue through {@link dev.berth.agent.conductor.ConductorProxy}; answers go back to the
 * asker's own thread; lists and inspections read immutable {@link dev.berth.agent.conductor.ContainerView}s and never wait for it.
 *
 * <table>
 * <caption>A container's states and what leads from one to the next</caption>
 * <tr><td>CREATED</td><td>start: STARTING; remove: REMOVING</td></tr>
 * <tr><td>STARTING</td><td>Started: RUNNING; StartFailed: CREATED (never ran) or EXITED</td></tr>
 * <tr><td>RUNNING</td><td>Paused: PAUSED; Exited: EXITED, or RESTARTING by its policy</td></tr>
 * <tr><td>PAUSED</td><td>Paused(false): RUNNING; Exited: EXITED</td></tr>
 * <tr><td>RESTARTING</td><td>the pause is over: STARTING; stop: EXITED</td></tr>
 * <tr><td>EXITED</td><td>start: STARTING; remove, or AutoRemove: REMOVING</td></tr>
 * <tr><td>REMOVING</td><td>gone; or DEAD when the root cannot be removed</td></tr>
 * </table>
 *
 * <p>Thread: the conductor's, except proxies and views. Entry types: {@link dev.berth.agent.conductor.Conductor}, {@link dev.berth.agent.conductor.ConductorProxy}.
 */
@NullMarked
package dev.berth.agent.conductor;

import org.jspecify.annotations.NullMarked;
