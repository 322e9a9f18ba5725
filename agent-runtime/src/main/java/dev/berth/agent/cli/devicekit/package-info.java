/**
 * {@code berth devicekit run}: the first level of the conformance kit for device isolators. Real containers try device nodes in every way at every stage of their life; each cell of that matrix is compared with what it must be,
 * and each denial with a positive control: the same node, used in the same way, by a container that differs in its device rules alone.
 *
 * <p>It lives beside the command line, not under {@code tests}, because it is made of the command line's parts and is shipped with it.
 *
 * <p>Thread: main. Entry type: {@link dev.berth.agent.cli.devicekit.DevicekitVerb}.
 */
@NullMarked
package dev.berth.agent.cli.devicekit;

import org.jspecify.annotations.NullMarked;
