/**
 * The agent's local API: the Docker Engine REST API on a unix socket, as far as containers without bridges, volumes and builds go. What is not there is answered with 501 and says so; each request's
 * field that is not supported is refused by name.
 *
 * <p>Of our own: header {@code Server: Berth/VERSION} on every answer; {@code Berth} in the body of create ({@code Rootfs}: a host directory as the root, {@code Required}: limits that must be enforced);
 * {@code POST /berth/plan} with a create body answers both levels of the launch as text; {@code GET /berth/counters}; inspect has {@code Berth} with the timeline and the last exits.
 *
 * <p>Thread: one epoll loop for all connections. Lists and inspections are answered from views; commands go to the conductor by {@link dev.berth.agent.conductor.ConductorProxy} and come back on the
 * loop; what blocks (pull, load) runs on a file lane. Entry type: {@link dev.berth.agent.docker.ApiServer}.
 */
@NullMarked
package dev.berth.agent.docker;

import org.jspecify.annotations.NullMarked;
