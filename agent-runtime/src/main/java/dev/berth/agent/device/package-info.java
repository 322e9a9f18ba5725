/**
 * Devices in the agent: sources, who holds what, health, what a grant adds to a container, and the journal of it. Everything here belongs to the conductor, which asks for devices before a start and gives them back after an
 * end; {@link dev.berth.agent.device.DeviceSnapshot} is what others read.
 *
 * <p>Thread: conductor, except the snapshot (any) and {@link dev.berth.agent.device.DeviceSources} (any, before the conductor runs). Entry type: {@link dev.berth.agent.device.DeviceDesk}.
 */
@NullMarked
package dev.berth.agent.device;

import org.jspecify.annotations.NullMarked;
