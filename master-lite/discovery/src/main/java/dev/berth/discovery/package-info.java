/**
 * Where the leading master is: addresses as they are given to agents and clients ({@code http://host:port} or {@code zk://host:port,.../path}), and a watch on the election that masters hold in ZooKeeper in Mesos's
 * format. A module of its own, since the agent and clients need it but may not know the master's server, and the protocol is to stay free of ZooKeeper.
 */
@NullMarked
package dev.berth.discovery;

import org.jspecify.annotations.NullMarked;
