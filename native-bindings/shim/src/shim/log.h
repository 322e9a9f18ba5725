/* The log of a container: framed, checksummed, rotated by size. Nothing here ever fails towards the caller: what cannot be written is dropped and counted. */
#ifndef BERTH_LOG_H
#define BERTH_LOG_H

#include <stddef.h>

#include "protocol.h"

struct log {
	/* The log directory; -1: nothing is logged. */
	int dir;
	/* The current file; -1 after an error, opened again by the next frame. */
	int fd;
	uint64_t size;
	uint64_t sequence;
	uint32_t max_bytes;
	uint32_t max_files;
	uint64_t dropped;
	/* Of these not yet told to a reader. */
	uint64_t dropped_since;
};

/* What a reader is given in one write: the payload is read straight into its place behind the header. */
struct log_buffer {
	struct log_frame frame;
	uint8_t payload[LOG_MAX_PAYLOAD];
};

/* CRC-32C (Castagnoli) of size more bytes after those that gave crc; begins with 0. */
uint32_t log_crc(uint32_t crc, const void *bytes, size_t size);
/* The same without the processor's help. */
uint32_t log_crc_portable(uint32_t crc, const void *bytes, size_t size);

/* Where the whole frames of a log file end; size is at least that of the header. */
uint64_t log_whole_frames(const uint8_t *file, uint64_t size);

/* Takes over dir. Nothing is opened yet. */
void log_prepare(struct log *log, int dir, uint32_t max_bytes, uint32_t max_files);

/* Opens or begins the current file; a torn last frame is cut off. Appending does the same where it was not done before. */
void log_open(struct log *log);

/* Appends the length bytes of the buffer's payload as one frame. */
void log_append(struct log *log, struct log_buffer *buffer, uint32_t length, enum log_stream stream);

/* Continues with the file named `log` in dir, which is taken over, or in the same directory if dir is below 0. 0 or a negated errno; the log goes on in any case. */
int log_reopen(struct log *log, int dir);

#endif
