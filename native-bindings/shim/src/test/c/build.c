#include "build.h"

#include <stdlib.h>
#include <string.h>

void build_begin(struct build *b, uint32_t fd_count) {
	memset(b, 0, sizeof *b);
	struct program_header *h = &b->header;
	h->magic = PROGRAM_MAGIC;
	h->version = PROGRAM_VERSION;
	h->fd_count = fd_count;
	h->reg_count = fd_count + 16;
	h->cgroup_reg = h->log_dir_reg = h->stdin_reg = h->stdout_reg = h->stderr_reg = h->pty_reg = -1;
	h->log_max_files = 1;
	build_string(b, "");
	h->record_name = build_string(b, "exit");
	h->socket_name = build_string(b, "monitor.sock");
	h->id = build_string(b, "test");
}

uint32_t build_data(struct build *b, const void *bytes, size_t size) {
	uint32_t at = (b->header.data_size + 7) & ~7u;
	if (at + size > BUILD_DATA)
		abort();
	memcpy(b->data + at, bytes, size);
	b->header.data_size = at + (uint32_t)size;
	return at;
}

uint32_t build_string(struct build *b, const char *text) {
	return build_data(b, text, strlen(text) + 1);
}

static void add_reloc(struct build *b, uint32_t at, uint64_t value) {
	if (b->header.reloc_count == BUILD_RELOCS)
		abort();
	b->relocs[b->header.reloc_count++] = (struct reloc){RELOC_PTR64, at, value};
}

uint32_t build_strings(struct build *b, const char *const *texts) {
	uint64_t empty[32] = {0};
	size_t count = 0;
	while (texts[count] != NULL)
		count++;
	uint32_t at = build_data(b, empty, (count + 1) * sizeof empty[0]);
	for (size_t i = 0; i < count; i++)
		add_reloc(b, at + (uint32_t)(i * 8), build_string(b, texts[i]));
	return at;
}

struct op *build_op(struct build *b, enum op_kind kind) {
	struct program_header *h = &b->header;
	uint32_t *count = b->child ? &h->child_count : &h->host_count;
	uint32_t at = h->host_count + h->child_count;
	if (at == BUILD_OPS)
		abort();
	++*count;
	b->ops[at] = (struct op){.kind = (uint16_t)kind, .out = -1};
	return &b->ops[at];
}

struct op *build_syscall(struct build *b, long nr, struct build_arg a0, struct build_arg a1, struct build_arg a2, struct build_arg a3, struct build_arg a4) {
	struct build_arg args[] = {a0, a1, a2, a3, a4};
	struct op *op = build_op(b, OP_SYSCALL);
	op->nr = (int32_t)nr;
	for (int i = 0; i < 5; i++) {
		op->argkind[i] = args[i].kind;
		op->arg[i] = args[i].value;
	}
	return op;
}

void build_on(struct op *op, uint16_t error, enum action_kind act, uint8_t n) {
	op->action[op->action_count++] = (struct op_action){error, (uint8_t)act, n};
}

void build_child(struct build *b) {
	b->child = 1;
}

size_t build_end(struct build *b, uint8_t **bytes) {
	struct program_header *h = &b->header;
	uint32_t ops = (h->host_count + h->child_count) * (uint32_t)sizeof(struct op);
	uint32_t relocs = h->reloc_count * (uint32_t)sizeof(struct reloc);
	h->op_off = sizeof *h;
	h->reloc_off = h->op_off + ops;
	h->data_off = h->reloc_off + relocs;
	h->total_size = h->data_off + h->data_size;
	uint8_t *out = malloc(h->total_size);
	if (out == NULL)
		abort();
	memcpy(out, h, sizeof *h);
	memcpy(out + h->op_off, b->ops, ops);
	memcpy(out + h->reloc_off, b->relocs, relocs);
	memcpy(out + h->data_off, b->data, h->data_size);
	*bytes = out;
	return h->total_size;
}
