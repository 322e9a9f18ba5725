/**
 * {@code berth gpu-host-check}: checks a machine's GPUs end to end. Three parts: facts; NVML through the agent's own worker, beside {@code nvidia-smi}; containers, where they can run.
 *
 * <p>Thread: main.
 */
@NullMarked
package dev.berth.agent.cli.hostcheck;

import org.jspecify.annotations.NullMarked;
