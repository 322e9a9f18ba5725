/**
 * What the master knows (frameworks, agents, offers, tasks) and how it speaks outwards: streams of frameworks and operators, links to agents, the registry. No I/O and no clock: whoever owns the conductor thread passes
 * both in. All types here are used on the conductor thread only.
 */
@NullMarked
package dev.berth.master.cluster;

import org.jspecify.annotations.NullMarked;
