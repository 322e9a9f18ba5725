#include "record.h"

#include "sys.h"
#include "text.h"

static void field(struct text *t, const char *key, uint64_t value) {
	text_string(t, key);
	text_unsigned(t, value);
	text_string(t, "\n");
}

static void failure_line(struct text *t, const struct failed *failure) {
	text_string(t, "failed ");
	text_unsigned(t, failure->section);
	text_string(t, " ");
	text_signed(t, failure->op);
	text_string(t, " ");
	text_signed(t, failure->error);
	text_string(t, "\n");
}

int record_write(int dir, const char *name, const struct exited *exited, const struct failed *failure) {
	char beside[NAME_MAX_BYTES + 8];
	char body[512];
	struct text temporary = {.at = beside, .size = sizeof beside};
	struct text t = {.at = body, .size = sizeof body};
	text_string(&temporary, name);
	text_string(&temporary, ".new");
	text_end(&temporary);
	text_string(&t, "berth-exit 1\n");
	if (failure != 0)
		failure_line(&t, failure);
	field(&t, "wait_status ", (uint32_t)exited->wait_status);
	field(&t, "oom_kills ", exited->oom_kills);
	field(&t, "finished_ns ", exited->finished_ns);
	field(&t, "user_us ", exited->user_us);
	field(&t, "system_us ", exited->system_us);
	field(&t, "log_dropped_bytes ", exited->log_dropped_bytes);
	int fd = sys_openat(dir, beside, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return fd;
	long wrote = sys_write(fd, body, t.length);
	sys_close(fd);
	if (wrote != (long)t.length) {
		sys_unlinkat(dir, beside);
		return wrote < 0 ? (int)wrote : -ENOSPC;
	}
	return sys_renameat(dir, beside, dir, name);
}
