/* A launch program in memory: checked once, then read in place. */
#ifndef BERTH_PROGRAM_H
#define BERTH_PROGRAM_H

#include "protocol.h"

struct program {
	const struct program_header *header;
	const struct op *ops;
	const struct reloc *relocs;
	uint8_t *data;
	/* One past the last NUL of the data. */
	uint32_t strings_end;
	/* Index of the CLONE op in the host section. */
	uint32_t clone_at;
};

/* Checks everything that execution relies on. base is 8-aligned. 0, or EINVAL and *view is not to be used. Writes nothing into base. */
int program_view(void *base, uint64_t size, struct program *view);

/* Applies the PTR64 relocations; once, after program_view. */
void program_link(const struct program *view);

static inline const char *program_string(const struct program *view, uint32_t at) {
	return (const char *)view->data + at;
}

#endif
