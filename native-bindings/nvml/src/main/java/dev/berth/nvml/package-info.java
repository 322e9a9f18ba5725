/**
 * NVIDIA's management library through JNA: versioned symbols and struct layouts, typed return codes. Every call blocks as long as the driver likes: only the GPU worker's process may make one.
 */
@NullMarked
package dev.berth.nvml;

import org.jspecify.annotations.NullMarked;
