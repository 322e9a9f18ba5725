/**
 * The GPU simulator: a {@code libnvidia-ml.so.1} of our own in C with its state in a shared file, machine files that say what it pretends to be, and scripted faults. Product code sees it through NVML only.
 */
@NullMarked
package dev.berth.gpu.simulator;

import org.jspecify.annotations.NullMarked;
