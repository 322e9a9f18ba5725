#include "execute.h"

#include "init.h"
#include "text.h"

#define MSG_NOSIGNAL 0x4000

void launch_stamp(struct launch *l, uint32_t index) {
	l->page->stamps[index] = sys_clock(SYS_CLOCK_MONOTONIC);
}

int launch_fail(struct launch *l, enum section section, int op, int error) {
	struct launch_page *page = l->page;
	int32_t none = 0;
	/* 2: being written. Both sides may fail at once, and the reader of a half-written triple would name the wrong op. */
	if (__atomic_compare_exchange_n(&page->has_failed, &none, 2, 0, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)) {
		page->section = (uint32_t)section;
		page->op = op;
		page->error = error;
		__atomic_store_n(&page->has_failed, 1, __ATOMIC_RELEASE);
	}
	return -1;
}

static void apply_patches(const struct launch *l, const struct op *op) {
	for (uint32_t i = 0; i < op->reloc_count; i++) {
		const struct reloc *r = &l->program.relocs[op->reloc_first + i];
		int64_t value = l->registers[r->value];
		memcpy(l->program.data + r->at, &value, r->kind == RELOC_REG32 ? 4 : 8);
	}
}

static long argument(const struct launch *l, const struct op *op, int i) {
	switch (op->argkind[i]) {
	case ARG_DATA:
		return (long)(l->program.data + op->arg[i]);
	case ARG_REGISTER:
		return (long)l->registers[op->arg[i]];
	default:
		return (long)op->arg[i];
	}
}

static long run_syscall(const struct launch *l, const struct op *op) {
	if (l->section == SECTION_CHILD && (op->nr == __NR_execve || op->nr == __NR_execveat))
		l->page->child_left = 1;
	long result = sys_call(op->nr, argument(l, op, 0), argument(l, op, 1), argument(l, op, 2), argument(l, op, 3), argument(l, op, 4), argument(l, op, 5));
	if (l->section == SECTION_CHILD && sys_is_error(result))
		l->page->child_left = 0;
	return result;
}

static long post_point(const struct launch *l, uint32_t point) {
	uint8_t byte = (uint8_t)point;
	long sent = sys_call(__NR_sendto, l->sync, (long)&byte, 1, MSG_NOSIGNAL, 0, 0);
	/* The other side may have all it waits for and be gone; if it failed, it says so itself. */
	return sent == -EPIPE || sent == -ECONNRESET || sent == 1 ? 0 : sent;
}

static long wait_point(struct launch *l, uint32_t point) {
	while ((l->points & (1u << point)) == 0) {
		uint8_t byte = 0;
		long got = sys_read(l->sync, &byte, 1);
		if (got == 0 || got == -ECONNRESET)
			return -EPIPE;
		if (got < 0)
			return got;
		l->points |= 1u << (byte % POINTS);
	}
	return 0;
}

static int open_child_file(const struct launch *l, const struct op *op, int flags) {
	char buffer[NAME_MAX_BYTES + 32];
	struct text path = {.at = buffer, .size = sizeof buffer};
	text_string(&path, "/proc/");
	text_unsigned(&path, (uint64_t)l->child);
	text_string(&path, "/");
	text_string(&path, program_string(&l->program, (uint32_t)op->arg[0]));
	return sys_openat(AT_FDCWD, text_end(&path), flags, 0);
}

static long write_child_file(const struct launch *l, const struct op *op) {
	int fd = open_child_file(l, op, O_WRONLY);
	if (fd < 0)
		return fd;
	/* One write: the kernel takes id maps whole or not at all. */
	long wrote = sys_write(fd, l->program.data + op->arg[1], op->arg[2]);
	sys_close(fd);
	return wrote < 0 || (uint64_t)wrote == op->arg[2] ? wrote : -EIO;
}

/* All but the socket that tells the other side. Left to execve to close they would be there while it looks the program up, and an image's /proc/self/fd/N/../.. would lead through them to the host (CVE-2024-21626). */
static long close_from(const struct launch *l, unsigned first) {
	unsigned sync = (unsigned)l->sync;
	long result = 0;
	if (sync < first)
		return sys_close_range(first, ~0u);
	if (sync > first)
		result = sys_close_range(first, sync - 1);
	return sys_is_error(result) ? result : sys_close_range(sync + 1, ~0u);
}

static long run_op(struct launch *l, const struct op *op) {
	apply_patches(l, op);
	switch (op->kind) {
	case OP_SYSCALL:
		return run_syscall(l, op);
	case OP_STAMP:
		launch_stamp(l, (uint32_t)op->arg[0]);
		return 0;
	case OP_POST:
		return post_point(l, (uint32_t)op->arg[0]);
	case OP_WAIT:
		return wait_point(l, (uint32_t)op->arg[0]);
	case OP_CHILD_FILE:
		return write_child_file(l, op);
	case OP_CHILD_OPEN:
		return open_child_file(l, op, (int)op->arg[1]);
	case OP_CLOSE:
		return close_from(l, (unsigned)op->arg[0]);
	case OP_INIT:
		return init_fork(l);
	default:
		return -EINVAL;
	}
}

/* How many of the next ops to leave out, or -1 if the result ends the launch. */
static int follow(const struct op *op, long result) {
	uint32_t error = sys_is_error(result) ? (uint32_t)-result : 0;
	for (int i = 0; i < op->action_count; i++) {
		const struct op_action *a = &op->action[i];
		if (a->error == error || (a->error == ACT_ANY_ERROR && error != 0))
			return a->act == ACT_SKIP ? a->n : 0;
	}
	return error == 0 ? 0 : -1;
}

int launch_run(struct launch *l, uint32_t from, uint32_t to) {
	uint32_t first = l->section == SECTION_CHILD ? l->program.header->host_count : 0;
	for (uint32_t i = from; i < to; i++) {
		const struct op *op = &l->program.ops[i];
		if (l->section == SECTION_CHILD)
			l->page->child_op = (int32_t)(i - first);
		long result = run_op(l, op);
		int skip = follow(op, result);
		if (skip < 0)
			return launch_fail(l, l->section, (int)(i - first), (int)-result);
		if (op->out >= 0 && !sys_is_error(result))
			l->registers[op->out] = result;
		i += (uint32_t)skip;
	}
	return 0;
}

void launch_child(struct launch *l) {
	const struct program_header *h = l->program.header;
	l->section = SECTION_CHILD;
	launch_stamp(l, STAMP_CHILD);
	/* Only these two are not at their default in the parent; an ignored signal would stay ignored across execve. */
	sys_signal(SIG_PIPE, SYS_SIG_DFL);
	sys_signal(SIG_CHLD, SYS_SIG_DFL);
	sys_sigmask(0);
	if (launch_run(l, h->host_count, h->host_count + h->child_count) == 0)
		launch_fail(l, SECTION_CHILD, (int)h->child_count, ENOEXEC);
	sys_exit(127);
}
