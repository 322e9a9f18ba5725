/**
 * NVIDIA's management library through JNA: versioned symbols and struct layouts, typed return codes. {@link dev.berth.nvml.NvmlLibrary} is where to begin. Every call blocks as long as the driver likes: only the GPU
 * worker's process may make one.
 *
 * <p>The plain names of versioned symbols are older ABIs with other struct sizes, which the C header hides behind macros: {@link dev.berth.nvml.NvmlSymbol} lists what is really looked up, {@link
 * dev.berth.nvml.NvmlLayout} the structs; {@code tests/arch} proves the latter against C.
 *
 * <p>JVM flags: {@code --enable-native-access=ALL-UNNAMED} is enough under {@code --illegal-native-access=deny}. JNA unpacks its own library to {@code jna.tmpdir} unless {@code jna.boot.library.path} names where it lies
 * and {@code jna.nounpack} is true.
 *
 * <p>Thread: any; handles are worthless after {@link dev.berth.nvml.NvmlLibrary#shutdown}.
 */
@NullMarked
package dev.berth.nvml;

import org.jspecify.annotations.NullMarked;
