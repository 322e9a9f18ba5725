/**
 * What Mesos's v1 HTTP APIs put on the wire, beside the generated messages: their JSON mapping, which is not protobuf's own, and the framing of streams.
 *
 * <p>Thread: everything here is stateless or belongs to one connection.
 */
@NullMarked
package dev.berth.protocol;

import org.jspecify.annotations.NullMarked;
