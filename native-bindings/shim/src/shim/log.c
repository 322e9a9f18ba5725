#include "log.h"

#include <linux/mman.h>

#include "sys.h"
#include "text.h"

#define LOG_NAME "log"
#define LOG_MODE 0640
#define SEEK_END_WHENCE 2

/* Four bits a step, where the processor has no instruction for it. */
static const uint32_t CRC_NIBBLES[16] = {
	0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1, 0x417b1dbc, 0x5125dad3, 0x61c69362, 0x7198540d,
	0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9, 0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75,
};

static uint32_t crc_nibbles(uint32_t crc, const uint8_t *at, size_t size) {
	for (size_t i = 0; i < size; i++) {
		crc ^= at[i];
		crc = crc >> 4 ^ CRC_NIBBLES[crc & 15];
		crc = crc >> 4 ^ CRC_NIBBLES[crc & 15];
	}
	return crc;
}

#if defined(__x86_64__)
#define CPUID_1_ECX_SSE42 (1u << 20)

/* Asked once: under a hypervisor cpuid is a trap. */
static int has_crc_instruction(void) {
	static int known = -1;
	if (known < 0) {
		uint32_t a = 1;
		uint32_t c = 0;
		uint32_t b;
		uint32_t d;
		__asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
		known = (c & CPUID_1_ECX_SSE42) != 0;
	}
	return known;
}

static uint32_t crc_instruction(uint32_t crc, const uint8_t *at, size_t size) {
	uint64_t wide = crc;
	for (; size >= 8; size -= 8, at += 8) {
		uint64_t word;
		memcpy(&word, at, sizeof word);
		__asm__("crc32q %1, %0" : "+r"(wide) : "rm"(word));
	}
	crc = (uint32_t)wide;
	for (; size > 0; size--, at++)
		__asm__("crc32b %1, %0" : "+r"(crc) : "rm"(*at));
	return crc;
}
#else
static int has_crc_instruction(void) {
	return 0;
}

static uint32_t crc_instruction(uint32_t crc, const uint8_t *at, size_t size) {
	return crc_nibbles(crc, at, size);
}
#endif

uint32_t log_crc(uint32_t crc, const void *bytes, size_t size) {
	return ~(has_crc_instruction() ? crc_instruction(~crc, bytes, size) : crc_nibbles(~crc, bytes, size));
}

uint32_t log_crc_portable(uint32_t crc, const void *bytes, size_t size) {
	return ~crc_nibbles(~crc, bytes, size);
}

#define CRC_SKIPPED (offsetof(struct log_frame, crc) + sizeof(uint32_t))

static uint32_t frame_crc(const struct log_frame *frame, const uint8_t *payload) {
	uint32_t crc = log_crc(0, (const uint8_t *)frame + CRC_SKIPPED, sizeof *frame - CRC_SKIPPED);
	return log_crc(crc, payload, frame->length);
}

static const char *rotated_name(struct text *name, uint32_t index) {
	text_string(name, LOG_NAME);
	if (index > 0) {
		text_string(name, ".");
		text_unsigned(name, index);
	}
	return text_end(name);
}

/* log.N-1 to log.N, ..., log to log.1; the oldest is replaced by the rename onto it. */
static void rotate(struct log *log) {
	if (log->fd >= 0)
		sys_close(log->fd);
	log->fd = -1;
	if (log->max_files <= 1) {
		sys_unlinkat(log->dir, LOG_NAME);
		return;
	}
	for (uint32_t i = log->max_files - 1; i > 0; i--) {
		char from[24];
		char to[24];
		struct text older = {.at = from, .size = sizeof from};
		struct text newer = {.at = to, .size = sizeof to};
		sys_renameat(log->dir, rotated_name(&older, i - 1), log->dir, rotated_name(&newer, i));
	}
}

static int begin_file(struct log *log) {
	int fd = sys_openat(log->dir, LOG_NAME, O_RDWR | O_CREAT | O_EXCL | O_APPEND | O_NOFOLLOW, LOG_MODE);
	if (fd < 0)
		return fd;
	struct log_header header = {.magic = LOG_MAGIC, .version = LOG_VERSION, .sequence = log->sequence + 1, .created_ns = sys_clock(SYS_CLOCK_REALTIME)};
	long wrote = sys_write(fd, &header, sizeof header);
	if (wrote != sizeof header) {
		sys_close(fd);
		sys_unlinkat(log->dir, LOG_NAME);
		return wrote < 0 ? (int)wrote : -ENOSPC;
	}
	log->fd = fd;
	log->size = sizeof header;
	log->sequence = header.sequence;
	return 0;
}

uint64_t log_whole_frames(const uint8_t *file, uint64_t size) {
	uint64_t at = sizeof(struct log_header);
	uint64_t last = at;
	while (size - at >= sizeof(struct log_frame)) {
		struct log_frame frame;
		memcpy(&frame, file + at, sizeof frame);
		if (frame.length > LOG_MAX_PAYLOAD || frame.length > size - at - sizeof frame)
			break;
		last = at;
		at += sizeof frame + frame.length;
	}
	if (at > last) {
		struct log_frame frame;
		memcpy(&frame, file + last, sizeof frame);
		/* Blocks that the file system gave but did not write before a crash read as zeroes: whole in length, wrong in content. */
		if (frame_crc(&frame, file + last + sizeof frame) != frame.crc)
			return last;
	}
	return at;
}

/* Goes on with a file that is there. 0; a negated errno; or 1 if it cannot be continued and is to be rotated away, since a reader may still make something of it. */
static int continue_file(struct log *log) {
	int fd = sys_openat(log->dir, LOG_NAME, O_RDWR | O_APPEND | O_NOFOLLOW, 0);
	if (fd < 0)
		return fd;
	struct log_header header;
	long size = sys_lseek(fd, 0, SEEK_END_WHENCE);
	int foreign = size < (long)sizeof header || sys_pread(fd, &header, sizeof header, 0) != sizeof header || memcmp(header.magic, LOG_MAGIC, sizeof header.magic) != 0 ||
		header.version != LOG_VERSION;
	long mapped = foreign ? -EINVAL : sys_mmap((size_t)size, PROT_READ, MAP_SHARED, fd);
	if (sys_is_error(mapped)) {
		sys_close(fd);
		return foreign ? 1 : (int)mapped;
	}
	uint64_t end = log_whole_frames((const uint8_t *)mapped, (uint64_t)size);
	sys_munmap((void *)mapped, (size_t)size);
	log->fd = fd;
	log->size = end;
	log->sequence = header.sequence;
	if (end == (uint64_t)size)
		return 0;
	/* More than one frame behind the last good one is damage and not a torn write. */
	return (uint64_t)size - end > sizeof(struct log_buffer) || sys_ftruncate(fd, end) < 0;
}

static int open_current(struct log *log) {
	int result = continue_file(log);
	if (result == 1)
		rotate(log);
	return result == 1 || result == -ENOENT ? begin_file(log) : result;
}

void log_prepare(struct log *log, int dir, uint32_t max_bytes, uint32_t max_files) {
	*log = (struct log){.dir = dir, .fd = -1, .max_bytes = max_bytes, .max_files = max_files};
}

void log_open(struct log *log) {
	if (log->dir >= 0)
		open_current(log);
}

int log_reopen(struct log *log, int dir) {
	if (log->fd >= 0)
		sys_close(log->fd);
	log->fd = -1;
	if (dir >= 0) {
		if (log->dir >= 0)
			sys_close(log->dir);
		log->dir = dir;
	}
	return log->dir >= 0 ? open_current(log) : -EBADF;
}

static void drop(struct log *log, uint32_t length) {
	log->dropped += length;
	log->dropped_since += length;
}

void log_append(struct log *log, struct log_buffer *buffer, uint32_t length, enum log_stream stream) {
	if (log->dir < 0)
		return;
	uint64_t total = sizeof buffer->frame + length;
	if (log->fd >= 0 && log->max_bytes > 0 && log->size > sizeof(struct log_header) && log->size + total > log->max_bytes)
		rotate(log);
	if (log->fd < 0 && open_current(log) != 0) {
		drop(log, length);
		return;
	}
	uint64_t since = log->dropped_since;
	buffer->frame = (struct log_frame){.length = length, .realtime_ns = sys_clock(SYS_CLOCK_REALTIME), .stream = (uint8_t)stream};
	buffer->frame.dropped = since > UINT32_MAX ? UINT32_MAX : (uint32_t)since;
	buffer->frame.crc = frame_crc(&buffer->frame, buffer->payload);
	long wrote = sys_write(log->fd, buffer, total);
	if (wrote == (long)total) {
		log->size += total;
		log->dropped_since = 0;
		return;
	}
	/* Half a frame would hide everything after it from readers; if it cannot be cut off, opening the file again will. */
	if (wrote > 0 && sys_ftruncate(log->fd, log->size) < 0) {
		sys_close(log->fd);
		log->fd = -1;
	}
	drop(log, length);
}
