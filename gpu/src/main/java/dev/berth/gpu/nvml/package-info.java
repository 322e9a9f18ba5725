/**
 * Provider {@code nvml}: NVIDIA GPUs as the management library sees them. The library may block for seconds, for minutes or for ever in the kernel, so it lives in a process of its own, the worker, which can be killed and,
 * where even that does not help, left behind.
 *
 * <p>Agent's side: {@link dev.berth.gpu.nvml.NvmlDeviceProvider} (conductor: queues only) and its lane thread, which drives {@code WorkerSupervisor} (decisions, time passed in) over {@code WorkerProcess}. Worker's side:
 * {@code WorkerMain} with two threads, queries and events.
 *
 * <p><b>Descriptors of the worker</b>: 0 {@code /dev/null}, 1 and 2 the log, 3 a SOCK_SEQPACKET socket, 4 a memfd with the call clock.
 *
 * <p><b>Packets</b>, both ways, little endian, at most 64 KiB: magic u16 {@code 0x4247}, version u8 {@code 1}, type u8, body. Text is u16 length and UTF-8. Whoever gets a packet that is not of this form gives the
 * connection up.
 *
 * <pre>
 * to the worker    1 Discover  known count u16, indices to leave alone u16 n, u16 each
 *                  2 Sample    indices u16 n, u16 each
 *                  3 Verify    index u16
 *                  4 LetGo
 *                  5 Quit
 * from the worker 16 Hello     pid u32
 *                 17 Inventory driver, devices, failures, nearness
 *                 18 Reading   one device; one per index of Sample, one for Verify
 *                 19 SampleEnd
 *                 20 HasLetGo
 *                 21 Noticed   index u16, event type u64, data u64, MIG instances i32 i32   (at any time)
 *                 22 EventsFailed code i32, function                                        (at any time)
 *                 23 Failed    code i32, function, words: the command could not be carried out
 * </pre>
 *
 * One command at a time; each is answered by 17, 18s and 19, 18, 20 or 23. An end of the connection ends the worker.
 *
 * <p><b>Call clock</b>: two records of 32 bytes, queries and events: sequence u64 (odd while being written), start of the running call in ns of CLOCK_MONOTONIC or 0, device index i32 or −1, symbol i32. The worker writes
 * it around every call, so that the agent knows what is hung, and where, from a process that can no longer say so.
 */
@NullMarked
package dev.berth.gpu.nvml;

import org.jspecify.annotations.NullMarked;
