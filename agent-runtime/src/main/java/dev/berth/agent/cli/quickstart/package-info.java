/**
 * {@code berth quickstart}: everything once, in a private place that is gone afterwards: an agent, an image made here, a container, what that container saw of its isolation, and how long each stage of its start took.
 *
 * <p>Thread: main; the clean-up may run on a shutdown hook. Entry type: {@link dev.berth.agent.cli.quickstart.QuickstartVerb}.
 */
@NullMarked
package dev.berth.agent.cli.quickstart;

import org.jspecify.annotations.NullMarked;
