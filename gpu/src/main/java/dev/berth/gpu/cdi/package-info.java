/**
 * Container Device Interface 1.1: files in which vendors say what a container with their device needs, read strictly and turned into {@link dev.berth.gpu.ContainerEdits}.
 *
 * <p>What is done differently from a runtime that follows the specification to the letter, always to the narrower side:
 *
 * <ul>
 *   <li>a device node without {@code permissions} gets {@code rw}, not {@code rwm}; {@code m} is given where the file asks for it
 *   <li>hooks are not run. Those of NVIDIA's toolkit are done natively: {@code create-symlinks}, {@code update-ldcache} (SONAME links and a directory of them in LD_LIBRARY_PATH), {@code
 *       disable-device-node-modification}, {@code chmod} of directories that are ours; {@code enable-cuda-compat} and {@code update-application-profile} are left out with a warning. Any other hook refuses the device
 *   <li>{@code netDevices} and {@code intelRdt} refuse the device: it would run without what its maker says that it needs
 *   <li>files that another user than root may change are not read
 * </ul>
 *
 * <p>Thread: {@link dev.berth.gpu.cdi.CdiRegistry#refresh} file lane, {@link dev.berth.gpu.cdi.CdiRegistry#resolve} any. Entry type: {@link dev.berth.gpu.cdi.CdiRegistry}.
 */
@NullMarked
package dev.berth.gpu.cdi;

import org.jspecify.annotations.NullMarked;
