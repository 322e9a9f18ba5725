/**
 * What scheduler calls do: the checks of each call and of what it carries, their effects on the cluster, and the events that frameworks see. Conductor thread only.
 */
@NullMarked
package dev.berth.master.scheduler;

import org.jspecify.annotations.NullMarked;
