#include "program.h"

#include "sys.h"

/* CLONE_NEW* only: what the monitor itself relies on (CLONE_PIDFD, no CLONE_VM, the exit signal) is not the program's to choose. */
#define CLONE_NEW_ALL (0x00020000ull | 0x02000000ull | 0x04000000ull | 0x08000000ull | 0x10000000ull | 0x20000000ull | 0x40000000ull | 0x80ull)

static int table_fits(const struct program_header *h, uint64_t from, uint32_t at, uint64_t count, uint64_t width) {
	return at % 8 == 0 && at >= from && at <= h->total_size && count * width <= h->total_size - at;
}

/* Every string that begins before the last NUL of the data ends in it: one scan for all, however many strings a hostile program names. */
static int string_fits(const struct program *p, uint64_t at) {
	return at < p->strings_end;
}

/* A file name that is ours to create: it can leave neither its directory nor, with a suffix, NAME_MAX or sun_path. */
static int name_fits(const struct program *p, uint32_t at) {
	if (!string_fits(p, at))
		return 0;
	const char *name = program_string(p, at);
	size_t length = strlen(name);
	if (length == 0 || length > NAME_MAX_BYTES || name[0] == '.')
		return 0;
	for (size_t i = 0; i < length; i++)
		if (name[i] == '/')
			return 0;
	return 1;
}

static int register_fits(int32_t reg, uint32_t limit, int optional) {
	return (reg == -1 && optional) || (reg >= 0 && (uint32_t)reg < limit);
}

static int header_fits(const struct program_header *h, uint64_t size) {
	if (h->magic != PROGRAM_MAGIC || h->version != PROGRAM_VERSION || (h->flags & ~PROGRAM_FLAGS) != 0)
		return 0;
	if (h->total_size != size || h->host_count > PROGRAM_MAX_SIZE || h->child_count > PROGRAM_MAX_SIZE || h->reloc_count > PROGRAM_MAX_SIZE)
		return 0;
	/* Ascending tables cannot overlap, so a relocation cannot rewrite an op that was checked already. */
	uint64_t ops = (uint64_t)h->host_count + h->child_count;
	if (!table_fits(h, sizeof *h, h->op_off, ops, sizeof(struct op)))
		return 0;
	if (!table_fits(h, h->op_off + ops * sizeof(struct op), h->reloc_off, h->reloc_count, sizeof(struct reloc)))
		return 0;
	if (!table_fits(h, h->reloc_off + (uint64_t)h->reloc_count * sizeof(struct reloc), h->data_off, h->data_size, 1))
		return 0;
	if (h->reg_count > PROGRAM_MAX_REGISTERS || h->fd_count > h->reg_count || h->fd_count > PROGRAM_MAX_FDS)
		return 0;
	if ((h->clone_flags & ~CLONE_NEW_ALL) != 0 || h->log_max_files == 0)
		return 0;
	for (size_t i = 0; i < sizeof h->zero; i++)
		if (h->zero[i] != 0)
			return 0;
	/* The run directory and the log are needed before the first op runs, so they can only have come with the program. */
	if (!register_fits(h->run_dir_reg, h->fd_count, 0) || !register_fits(h->log_dir_reg, h->fd_count, 1))
		return 0;
	if (!register_fits(h->cgroup_reg, h->reg_count, 1) || !register_fits(h->pty_reg, h->reg_count, 1))
		return 0;
	if (((h->flags & PROGRAM_TTY) != 0) != (h->pty_reg >= 0) || ((h->flags & PROGRAM_KILL_CGROUP) != 0 && h->cgroup_reg < 0))
		return 0;
	return register_fits(h->stdin_reg, h->reg_count, 1) && register_fits(h->stdout_reg, h->reg_count, 1) && register_fits(h->stderr_reg, h->reg_count, 1);
}

static int relocs_fit(const struct program *p) {
	uint32_t last = RELOC_PTR64;
	for (uint32_t i = 0; i < p->header->reloc_count; i++) {
		const struct reloc *r = &p->relocs[i];
		uint64_t width = r->kind == RELOC_REG32 ? 4 : 8;
		if (r->kind >= RELOC_KINDS || (r->kind == RELOC_PTR64 && last != RELOC_PTR64) || r->at + width > p->header->data_size)
			return 0;
		if (r->value > p->header->data_size || (r->kind != RELOC_PTR64 && r->value >= p->header->reg_count))
			return 0;
		last = r->kind;
	}
	return 1;
}

static int args_fit(const struct program *p, const struct op *op) {
	for (int i = 0; i < OP_ARGS; i++) {
		if (op->argkind[i] >= ARG_KINDS || (op->argkind[i] != ARG_IMMEDIATE && op->kind != OP_SYSCALL))
			return 0;
		if (op->argkind[i] == ARG_DATA && op->arg[i] > p->header->data_size)
			return 0;
		if (op->argkind[i] == ARG_REGISTER && op->arg[i] >= p->header->reg_count)
			return 0;
	}
	return 1;
}

/* left: ops of the same section (for the host section: of the same side of CLONE) that follow. */
static int actions_fit(const struct op *op, uint32_t left) {
	if (op->action_count > OP_ACTIONS)
		return 0;
	for (int i = 0; i < op->action_count; i++) {
		const struct op_action *a = &op->action[i];
		if (a->act != ACT_IGNORE && a->act != ACT_SKIP)
			return 0;
		if (a->n > left || (a->act == ACT_IGNORE && a->n != 0))
			return 0;
	}
	return 1;
}

static int patches_fit(const struct program *p, const struct op *op) {
	if (op->reloc_count > p->header->reloc_count || op->reloc_first > p->header->reloc_count - op->reloc_count)
		return 0;
	for (uint32_t i = 0; i < op->reloc_count; i++)
		if (p->relocs[op->reloc_first + i].kind == RELOC_PTR64)
			return 0;
	return 1;
}

static int child_path_fits(const struct program *p, const struct op *op) {
	if (op->arg[0] > p->header->data_size || !string_fits(p, op->arg[0]))
		return 0;
	const char *name = program_string(p, (uint32_t)op->arg[0]);
	size_t length = strlen(name);
	return length > 0 && length <= NAME_MAX_BYTES && name[0] != '/' && name[0] != '.';
}

static int kind_fits(const struct program *p, const struct op *op, uint32_t index) {
	int host = index < p->header->host_count;
	int after_clone = host && index > p->clone_at;
	switch (op->kind) {
	case OP_SYSCALL:
		return op->nr >= 0;
	case OP_STAMP:
		return op->arg[0] < STAMPS;
	case OP_CLONE:
		return index == p->clone_at;
	case OP_POST:
	case OP_WAIT:
		return op->arg[0] < POINTS && (!host || after_clone);
	case OP_CHILD_FILE:
		return after_clone && child_path_fits(p, op) && op->arg[1] <= p->header->data_size && op->arg[2] <= p->header->data_size - op->arg[1];
	case OP_CHILD_OPEN:
		return after_clone && child_path_fits(p, op);
	case OP_INIT:
		return !host;
	case OP_CLOSE:
		return !host && op->arg[0] > 2 && op->arg[0] <= 0x7fffffff;
	default:
		return 0;
	}
}

static int op_fits(const struct program *p, uint32_t index) {
	const struct op *op = &p->ops[index];
	uint32_t end = p->header->host_count + p->header->child_count;
	if (index < p->header->host_count)
		end = index < p->clone_at ? p->clone_at : p->header->host_count;
	if (op->zero1 != 0 || op->zero2 != 0 || !string_fits(p, op->label) || !register_fits(op->out, p->header->reg_count, 1))
		return 0;
	return kind_fits(p, op, index) && args_fit(p, op) && actions_fit(op, end - index - 1) && patches_fit(p, op);
}

int program_view(void *base, uint64_t size, struct program *view) {
	if (size < sizeof(struct program_header) || size > PROGRAM_MAX_SIZE || (uintptr_t)base % 8 != 0)
		return EINVAL;
	uint8_t *bytes = base;
	const struct program_header *h = base;
	if (!header_fits(h, size))
		return EINVAL;
	struct program p = {h, (const struct op *)(bytes + h->op_off), (const struct reloc *)(bytes + h->reloc_off), bytes + h->data_off, h->data_size, 0};
	while (p.strings_end > 0 && p.data[p.strings_end - 1] != 0)
		p.strings_end--;
	if (!name_fits(&p, h->record_name) || !name_fits(&p, h->socket_name) || !name_fits(&p, h->id) || !relocs_fit(&p))
		return EINVAL;
	while (p.clone_at < h->host_count && p.ops[p.clone_at].kind != OP_CLONE)
		p.clone_at++;
	if (p.clone_at == h->host_count)
		return EINVAL;
	for (uint32_t i = 0; i < h->host_count + h->child_count; i++)
		if (!op_fits(&p, i))
			return EINVAL;
	*view = p;
	return 0;
}

void program_link(const struct program *view) {
	for (uint32_t i = 0; i < view->header->reloc_count && view->relocs[i].kind == RELOC_PTR64; i++) {
		uint64_t address = (uint64_t)(uintptr_t)(view->data + view->relocs[i].value);
		memcpy(view->data + view->relocs[i].at, &address, sizeof address);
	}
}
