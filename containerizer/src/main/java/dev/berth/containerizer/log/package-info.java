/**
 * The container log that monitors write (native-bindings/shim/PROTOCOL.md section 5), read without ever disturbing the writer: frames from a position, following rotation, and lines with tail, since and until.
 *
 * <p>Files in the log directory: {@code log} (current), {@code log.1} (the one before), and so on; each begins with a 32-byte header that has its sequence. Attach and {@code logs --follow} are served from
 * here: a client remembers a {@link dev.berth.containerizer.log.LogPosition}, so nothing is lost and no client can make the monitor wait. Wake-ups come from inotify on the directory (IN_MODIFY, IN_CREATE, IN_MOVED_TO).
 *
 * <p>Thread: one reader per thread; any number of readers at a time. Entry types: {@link dev.berth.containerizer.log.ContainerLog} and {@link dev.berth.containerizer.log.LogLines}.
 */
@NullMarked
package dev.berth.containerizer.log;

import org.jspecify.annotations.NullMarked;
