/**
 * What the agent was about to do, written before it does it: append only, each record with a checksum, no fsync. It guards against the agent's death, not the machine's: it names the boot it belongs to and lives with the
 * run directories.
 *
 * <p>File: records of {u32 length of the payload, u32 crc32c of the payload, payload}; the first is BOOT. Reading stops at the first torn or corrupt record, since nothing after it was acted upon.
 *
 * <p>Thread: conductor. Entry type: {@link dev.berth.containerizer.journal.Journal}.
 */
@NullMarked
package dev.berth.containerizer.journal;

import org.jspecify.annotations.NullMarked;
