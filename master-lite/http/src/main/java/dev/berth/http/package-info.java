/**
 * The server's edge of HTTP that the master and the agent have in common: one connection with its limits and its patience, who may talk, in which encoding, to which path. What is asked for and what the answer is, the user of it says.
 *
 * <p>Thread: a connection's loop; the rest are values and pure functions. Entry: {@link dev.berth.http.HttpConnection}.
 */
@NullMarked
package dev.berth.http;

import org.jspecify.annotations.NullMarked;
