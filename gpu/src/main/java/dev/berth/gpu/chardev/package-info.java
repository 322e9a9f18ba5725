/**
 * Character devices of any vendor by configuration: provider {@code char/NAME} for each resource of a file that {@code --devices FILE} names. Entry types: {@link dev.berth.gpu.chardev.CharDeviceFile}, {@link
 * dev.berth.gpu.chardev.CharDeviceProvider}.
 *
 * <p>The file, where everything but {@code name}, {@code resourceName} and {@code devices} may be left out, and nothing else may be in it:
 *
 * <pre>{@code
 * {"resources": [{
 *   "name": "gaudi",                              the provider is char/gaudi, its devices gaudi-...
 *   "resourceName": "habana.ai/gaudi",            the kind that requests name: VENDOR/CLASS
 *   "model": "Gaudi 2",
 *   "devices": [
 *     {"glob": "/dev/accel/accel#",               one device for each node; # is a number, * anything, ? one character, in the last part of the path
 *      "with": ["/dev/accel/accel_controlD#"]},   further nodes of that device: # is the same number
 *     {"id": "left",                              one device by name
 *      "nodes": ["/dev/left", {"path": "/dev/left-ctl", "major": 240, "minor": 3}]}],
 *   "controlNodes": ["/dev/accel-common"],        what every holder of at least one device gets besides
 *   "withheldNodes": ["/dev/accel-admin"],        what nobody gets
 *   "attributes": {"architecture": "gaudi2"},
 *   "mode": "0666",                               permissions of the nodes in containers; as on the host where it is left out
 *   "clean": "closed"                             when a device may be given to the next: "closed", nobody has it open; or "reset", it was also reset through sysfs
 * }]}
 * }</pre>
 *
 * <p>Thread: as {@link dev.berth.gpu.proc}.
 */
@NullMarked
package dev.berth.gpu.chardev;

import org.jspecify.annotations.NullMarked;
