/**
 * HTTP of the master on Netty's epoll: routes, checks in the order of Mesos, both encodings, streams, agents' links. Handlers run on event loops; whatever needs the core is handed to the conductor thread as a
 * {@link dev.berth.master.transport.MasterGate.Step} and comes back as a task of the connection's loop.
 */
@NullMarked
package dev.berth.master.transport;

import org.jspecify.annotations.NullMarked;
