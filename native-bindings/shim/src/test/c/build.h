/* Builds launch programs by hand, for tests and fuzzing seeds: the C twin of the agent's encoder. */
#ifndef BERTH_TEST_BUILD_H
#define BERTH_TEST_BUILD_H

#include <stddef.h>
#include <stdint.h>

#include "../../shim/protocol.h"

#define BUILD_OPS 64
#define BUILD_RELOCS 128
#define BUILD_DATA 8192

struct build {
	int child;
	struct program_header header;
	struct op ops[BUILD_OPS];
	struct reloc relocs[BUILD_RELOCS];
	uint8_t data[BUILD_DATA];
};

#define IMM(v) ((struct build_arg){ARG_IMMEDIATE, (uint64_t)(v)})
#define DAT(v) ((struct build_arg){ARG_DATA, (uint64_t)(v)})
#define REG(v) ((struct build_arg){ARG_REGISTER, (uint64_t)(v)})

struct build_arg {
	uint8_t kind;
	uint64_t value;
};

void build_begin(struct build *b, uint32_t fd_count);
/* Data that is 8-aligned; its offset. */
uint32_t build_data(struct build *b, const void *bytes, size_t size);
uint32_t build_string(struct build *b, const char *text);
/* A null-terminated array of pointers to strings; its offset. */
uint32_t build_strings(struct build *b, const char *const *texts);
/* Appends an op to the section that is being built, at first the host's. */
struct op *build_op(struct build *b, enum op_kind kind);
struct op *build_syscall(struct build *b, long nr, struct build_arg a0, struct build_arg a1, struct build_arg a2, struct build_arg a3, struct build_arg a4);
void build_on(struct op *op, uint16_t error, enum action_kind act, uint8_t n);
/* From here on ops belong to the child section. */
void build_child(struct build *b);
/* Lays the program out; the caller frees *bytes. */
size_t build_end(struct build *b, uint8_t **bytes);

#endif
