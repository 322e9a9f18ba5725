/**
 * {@code berth quickstart}: everything once, in a private place that is gone afterwards: a master and an agent, an image made here, a container, what that container saw of its isolation, how long each stage of its start took, and a job with one GPU on what the master offered, from its submission to its end.
 *
 * <p>Thread: main; the clean-up may run on a shutdown hook. Entry type: {@link dev.berth.agent.cli.quickstart.QuickstartVerb}.
 */
@NullMarked
package dev.berth.agent.cli.quickstart;

import org.jspecify.annotations.NullMarked;
