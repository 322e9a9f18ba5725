/**
 * From a plan to bytes to a process: merging, lowering to system calls, encoding, decoding and printing of launch programs, and the agent's side of the spawner and monitor protocols.
 *
 * <p>Thread: pure functions on any thread; sockets on the conductor.
 */
@NullMarked
package dev.berth.containerizer.launch;

import org.jspecify.annotations.NullMarked;
