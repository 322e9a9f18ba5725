/**
 * What operators see and do: the operator API's calls and events, Mesos's older JSON pages, metrics. Reads the cluster, and changes weights, agents' standing and frameworks. Conductor thread only.
 */
@NullMarked
package dev.berth.master.operator;

import org.jspecify.annotations.NullMarked;
