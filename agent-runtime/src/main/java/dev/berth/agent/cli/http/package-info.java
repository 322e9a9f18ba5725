/**
 * HTTP/1.1 to a UNIX socket: keep-alive, chunked bodies both ways, and connections taken over after an upgrade with half-close. Netty would cost more at start than a whole {@code ps}.
 *
 * <p>Thread: any; one connection serves one exchange at a time. Entry type: {@link dev.berth.agent.cli.http.EngineClient}.
 */
@NullMarked
package dev.berth.agent.cli.http;

import org.jspecify.annotations.NullMarked;
