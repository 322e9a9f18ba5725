/* Unit tests of what needs no container, under gcc's address and undefined-behaviour sanitizers. Runs in a directory of its own. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../shim/execute.h"
#include "../../shim/log.h"
#include "../../shim/record.h"
#include "../../shim/text.h"
#include "../../shim/wire.h"
#include "build.h"

static const char *failed_check;
static char failure[256];

static void check(int holds, const char *condition, int line) {
	if (!holds && failed_check == NULL) {
		snprintf(failure, sizeof failure, "line %d: %s", line, condition);
		failed_check = failure;
	}
}
#define CHECK(condition) check((condition), #condition, __LINE__)

/* --- programs --- */

static struct build build;

static void honest(void) {
	static const char *const WORDS[] = {"a", "bc", NULL};
	build_begin(&build, 3);
	build.header.run_dir_reg = build.header.log_dir_reg = 0;
	build_op(&build, OP_STAMP)->arg[0] = 8;
	build_op(&build, OP_CLONE);
	build_op(&build, OP_STAMP)->arg[0] = 9;
	build_op(&build, OP_STAMP)->arg[0] = 10;
	build_child(&build);
	build_syscall(&build, 1, DAT(build_strings(&build, WORDS)), REG(2), IMM(~0ull), IMM(0), IMM(0));
	build_op(&build, OP_STAMP)->arg[0] = 31;
	build.relocs[build.header.reloc_count++] = (struct reloc){RELOC_REG32, 8, 2};
	build.ops[4].reloc_first = build.header.reloc_count - 1;
	build.ops[4].reloc_count = 1;
}

static int verdict(void) {
	struct program view;
	uint8_t *bytes;
	size_t size = build_end(&build, &bytes);
	int result = program_view(bytes, size, &view);
	free(bytes);
	return result;
}

#define REFUSED(change) \
	do { \
		honest(); \
		struct program_header *h = &build.header; \
		struct op *op = build.ops; \
		struct reloc *reloc = build.relocs; \
		(void)h, (void)op, (void)reloc; \
		change; \
		CHECK(verdict() == EINVAL); \
	} while (0)

#define ACCEPTED(change) \
	do { \
		honest(); \
		struct program_header *h = &build.header; \
		struct op *op = build.ops; \
		(void)h, (void)op; \
		change; \
		CHECK(verdict() == 0); \
	} while (0)

static void header_is_checked(void) {
	ACCEPTED();
	REFUSED(h->magic++);
	REFUSED(h->version = 2);
	REFUSED(h->flags = 16);
	REFUSED(h->reg_count = PROGRAM_MAX_REGISTERS + 1);
	REFUSED(h->fd_count = h->reg_count + 1);
	REFUSED((h->reg_count = 256, h->fd_count = 252));
	ACCEPTED((h->reg_count = 256, h->fd_count = 251));
	REFUSED(h->clone_flags = 0x100);
	REFUSED(h->clone_flags = 0x1000);
	ACCEPTED(h->clone_flags = 0x7e020080);
	REFUSED(h->run_dir_reg = -1);
	REFUSED(h->run_dir_reg = 3);
	REFUSED(h->log_dir_reg = 3);
	REFUSED(h->log_dir_reg = -2);
	ACCEPTED(h->log_dir_reg = -1);
	REFUSED(h->cgroup_reg = (int32_t)h->reg_count);
	REFUSED(h->flags = PROGRAM_KILL_CGROUP);
	ACCEPTED((h->flags = PROGRAM_KILL_CGROUP, h->cgroup_reg = 5));
	REFUSED(h->flags = PROGRAM_TTY);
	REFUSED(h->pty_reg = 1);
	ACCEPTED((h->flags = PROGRAM_TTY, h->pty_reg = 1));
	REFUSED(h->stdin_reg = (int32_t)h->reg_count);
	REFUSED(h->stdout_reg = -2);
	REFUSED(h->stderr_reg = 1000);
	REFUSED(h->log_max_files = 0);
	REFUSED(h->zero[19] = 1);
	REFUSED(h->record_name = h->data_size);
	REFUSED(h->record_name = 0);
	REFUSED(h->socket_name = build_string(&build, "a/b"));
	REFUSED(h->socket_name = build_string(&build, ".."));
	REFUSED(h->id = build_string(&build, "12345678901234567890123456789012345678901234567890123456789012345"));
	ACCEPTED(h->id = build_string(&build, "1234567890123456789012345678901234567890123456789012345678901234"));
}

static void ops_are_checked(void) {
	REFUSED(op[0].kind = OP_KINDS);
	REFUSED(op[0].arg[0] = STAMPS);
	REFUSED(op[0].kind = OP_CLONE);
	REFUSED(op[1].kind = OP_STAMP);
	REFUSED(op[4].kind = OP_CLONE);
	REFUSED(op[0].kind = OP_WAIT);
	ACCEPTED((op[2].kind = OP_WAIT, op[5].kind = OP_POST));
	REFUSED((op[2].kind = OP_WAIT, op[2].arg[0] = POINTS));
	REFUSED((op[2].kind = OP_CLOSE, op[2].arg[0] = 3));
	ACCEPTED((op[5].kind = OP_CLOSE, op[5].arg[0] = 3));
	REFUSED((op[5].kind = OP_CLOSE, op[5].arg[0] = 2));
	REFUSED((op[5].kind = OP_CLOSE, op[5].arg[0] = 1ull << 31));
	REFUSED(op[2].kind = OP_INIT);
	ACCEPTED(op[5].kind = OP_INIT);
	REFUSED(op[4].nr = -1);
	REFUSED(op[4].label = h->data_size);
	REFUSED(op[4].zero1 = 1);
	REFUSED(op[4].zero2 = 1);
	REFUSED(op[4].out = (int32_t)h->reg_count);
	REFUSED(op[4].out = -2);
	REFUSED(op[4].argkind[0] = ARG_KINDS);
	REFUSED(op[4].arg[0] = h->data_size + 1);
	ACCEPTED(op[4].arg[0] = h->data_size);
	REFUSED(op[4].arg[1] = h->reg_count);
	REFUSED(op[0].argkind[0] = ARG_REGISTER);
	REFUSED(op[4].action_count = OP_ACTIONS + 1);
	REFUSED(build_on(&op[4], 2, 3, 0));
	REFUSED(build_on(&op[4], 2, ACT_IGNORE, 1));
	ACCEPTED(build_on(&op[4], 2, ACT_SKIP, 1));
	REFUSED(build_on(&op[4], 2, ACT_SKIP, 2));
	/* From before CLONE up to it, and no further. */
	ACCEPTED(build_on(&op[0], 2, ACT_SKIP, 0));
	REFUSED(build_on(&op[0], 2, ACT_SKIP, 1));
	ACCEPTED(build_on(&op[2], 2, ACT_SKIP, 1));
	REFUSED(build_on(&op[2], 2, ACT_SKIP, 2));
	REFUSED(op[0].kind = OP_CHILD_FILE);
	ACCEPTED((op[2].kind = OP_CHILD_FILE, op[2].arg[0] = h->record_name, op[2].arg[1] = 8, op[2].arg[2] = h->data_size - 8));
	REFUSED((op[2].kind = OP_CHILD_FILE, op[2].arg[0] = h->record_name, op[2].arg[1] = 8, op[2].arg[2] = h->data_size - 7));
	REFUSED((op[2].kind = OP_CHILD_FILE, op[2].arg[0] = h->record_name, op[2].arg[1] = h->data_size + 1));
	REFUSED((op[2].kind = OP_CHILD_OPEN, op[2].arg[0] = build_string(&build, "../1/mem")));
	REFUSED((op[2].kind = OP_CHILD_OPEN, op[2].arg[0] = build_string(&build, "/etc")));
	REFUSED((op[2].kind = OP_CHILD_OPEN, op[2].arg[0] = 1ull << 32));
}

static void relocations_are_checked(void) {
	REFUSED(reloc[0].kind = RELOC_KINDS);
	REFUSED(reloc[0].at = h->data_size - 7);
	REFUSED(reloc[0].at = ~0u);
	REFUSED(reloc[0].value = h->data_size + 1);
	REFUSED(reloc[2].value = h->reg_count);
	/* A pointer after a patch, and an op that names a pointer. */
	REFUSED(reloc[0] = ((struct reloc){RELOC_REG64, 8, 1}));
	REFUSED(op[4].reloc_first = 0);
	REFUSED(op[4].reloc_count = 2);
	REFUSED((op[4].reloc_first = ~0u, op[4].reloc_count = 2));
}

static void sizes_are_checked(void) {
	static const size_t FIELDS[] = {8, 12, 16, 20, 24, 28, 32, 36};
	struct program view;
	uint8_t *bytes;
	honest();
	size_t size = build_end(&build, &bytes);
	for (size_t shorter = 0; shorter < size; shorter++) {
		uint8_t *copy = malloc(shorter > 0 ? shorter : 1);
		memcpy(copy, bytes, shorter);
		CHECK(program_view(copy, shorter, &view) == EINVAL);
		free(copy);
	}
	for (size_t i = 0; i < sizeof FIELDS / sizeof *FIELDS; i++) {
		static const uint32_t VALUES[] = {1, 4, 0x7fffffff, 0xffffffff, 0xfffffff8};
		uint32_t before;
		memcpy(&before, bytes + FIELDS[i], 4);
		for (size_t j = 0; j < sizeof VALUES / sizeof *VALUES; j++) {
			uint32_t value = VALUES[j] == 1 || VALUES[j] == 4 ? before + VALUES[j] : VALUES[j];
			memcpy(bytes + FIELDS[i], &value, 4);
			CHECK(program_view(bytes, size, &view) == EINVAL);
		}
		memcpy(bytes + FIELDS[i], &before, 4);
	}
	CHECK(program_view(bytes, size, &view) == 0);
	program_link(&view);
	uint64_t pointer;
	memcpy(&pointer, view.data + view.relocs[1].at, 8);
	CHECK(strcmp((const char *)(uintptr_t)pointer, "bc") == 0);
	free(bytes);
}

/* --- logs --- */

static struct log_buffer buffer;
static char file[1 << 16];

static int scratch(const char *name) {
	sys_mkdirat(AT_FDCWD, name, 0700);
	return sys_openat(AT_FDCWD, name, O_RDONLY | O_DIRECTORY, 0);
}

static void append(struct log *log, const char *text) {
	memcpy(buffer.payload, text, strlen(text));
	log_append(log, &buffer, (uint32_t)strlen(text), LOG_STDOUT);
}

static long file_size(int dir, const char *name) {
	return text_read_file(dir, name, file, sizeof file);
}

static uint64_t file_sequence(int dir, const char *name) {
	struct log_header header = {.sequence = 0};
	if (file_size(dir, name) >= (long)sizeof header)
		memcpy(&header, file, sizeof header);
	return header.sequence;
}

static void close_log(struct log *log) {
	if (log->fd >= 0)
		sys_close(log->fd);
	log->fd = -1;
}

static void crc_is_castagnoli(void) {
	CHECK(log_crc(0, "123456789", 9) == 0xe3069283u);
	CHECK(log_crc(log_crc(0, "1234", 4), "56789", 5) == 0xe3069283u);
	CHECK(log_crc(0, "", 0) == 0);
	for (size_t size = 0; size < 64; size++)
		for (size_t from = 0; from < 9; from++)
			CHECK(log_crc(7, failure + from, size) == log_crc_portable(7, failure + from, size));
}

static void open_log(struct log *log, int dir, uint32_t max_bytes, uint32_t max_files) {
	log_prepare(log, dir, max_bytes, max_files);
	log_open(log);
}

static void torn_frames_are_cut(void) {
	int dir = scratch("torn");
	struct log log;
	open_log(&log, dir, 0, 1);
	append(&log, "whole\n");
	long whole = file_size(dir, "log");
	append(&log, "torn\n");
	long full = file_size(dir, "log");
	CHECK(whole == 32 + 24 + 6 && full == whole + 24 + 5);
	close_log(&log);
	for (long size = whole; size <= full; size++) {
		int fd = sys_openat(dir, "log", O_RDWR, 0);
		static char saved[256];
		CHECK(sys_pread(fd, saved, sizeof saved, 0) == full);
		CHECK(sys_ftruncate(fd, (uint64_t)size) == 0);
		open_log(&log, dir, 0, 1);
		CHECK(file_size(dir, "log") == (size == full ? full : whole) && log.sequence == 1);
		close_log(&log);
		sys_ftruncate(fd, 0);
		sys_lseek(fd, 0, 0);
		CHECK(sys_write(fd, saved, (size_t)full) == full);
		sys_close(fd);
	}
	/* Whole in length, wrong in content: what a crash of the machine leaves. */
	int fd = sys_openat(dir, "log", O_RDWR, 0);
	sys_lseek(fd, -1, 2);
	sys_write(fd, "x", 1);
	sys_close(fd);
	open_log(&log, dir, 0, 1);
	CHECK(file_size(dir, "log") == whole);
	append(&log, "on\n");
	CHECK(file_size(dir, "log") == whole + 24 + 3 && log.dropped == 0);
	close_log(&log);
	sys_close(dir);
}

static void foreign_files_are_kept_aside(void) {
	int dir = scratch("foreign");
	int fd = sys_openat(dir, "log", O_CREAT | O_WRONLY, 0600);
	sys_write(fd, "not a log", 9);
	sys_close(fd);
	struct log log;
	open_log(&log, dir, 0, 2);
	append(&log, "mine\n");
	CHECK(file_size(dir, "log.1") == 9 && file_size(dir, "log") == 32 + 24 + 5);
	close_log(&log);
	/* Damage in the middle, with more than one frame behind it, is no torn write. */
	open_log(&log, dir, 0, 3);
	for (int i = 0; i < 2000; i++)
		append(&log, "more of it\n");
	close_log(&log);
	fd = sys_openat(dir, "log", O_RDWR, 0);
	sys_lseek(fd, 32, 0);
	sys_write(fd, "\377\377\377\377", 4);
	sys_close(fd);
	open_log(&log, dir, 0, 3);
	CHECK(file_size(dir, "log.1") > 60000 && file_size(dir, "log") == 32 && log.sequence == 2);
	close_log(&log);
	sys_close(dir);
}

static void rotation_counts_up(void) {
	int dir = scratch("rotate");
	struct log log;
	open_log(&log, dir, 100, 3);
	for (int i = 0; i < 10; i++)
		append(&log, "0123456789");
	CHECK(log.sequence == 5 && log.dropped == 0);
	CHECK(file_sequence(dir, "log") == 5 && file_sequence(dir, "log.1") == 4 && file_sequence(dir, "log.2") == 3 && file_size(dir, "log.3") == -ENOENT);
	close_log(&log);
	open_log(&log, dir, 100, 1);
	for (int i = 0; i < 3; i++)
		append(&log, "0123456789");
	CHECK(log.sequence == 7 && file_sequence(dir, "log") == 7 && file_sequence(dir, "log.1") == 4);
	/* A frame that is larger than a file may be gets a file of its own. */
	for (int i = 0; i < 20; i++)
		memcpy(buffer.payload + 10 * i, "0123456789", 10);
	log_append(&log, &buffer, 200, LOG_STDERR);
	CHECK(log.sequence == 8 && file_size(dir, "log") == 32 + 24 + 200);
	close_log(&log);
	sys_close(dir);
}

static void limit_file_size(uint64_t bytes) {
	uint64_t limit[2] = {bytes, ~0ull};
	sys_call(__NR_prlimit64, 0, 1, (long)limit, 0, 0, 0);
}

static void what_cannot_be_written_is_counted(void) {
	int dir = scratch("full");
	struct log log;
	sys_signal(25, SYS_SIG_IGN);
	open_log(&log, dir, 0, 1);
	append(&log, "fits\n");
	long whole = file_size(dir, "log");
	limit_file_size((uint64_t)whole + 30);
	append(&log, "does not fit\n");
	append(&log, "nor does this\n");
	limit_file_size(~0ull);
	CHECK(log.dropped == 13 + 14 && file_size(dir, "log") == whole);
	append(&log, "fits again\n");
	struct log_frame frame;
	CHECK(file_size(dir, "log") == whole + 24 + 11);
	memcpy(&frame, file + whole, sizeof frame);
	CHECK(frame.dropped == 27 && log.dropped_since == 0);
	close_log(&log);
	/* A directory that has gone: everything is dropped, nothing fails. */
	sys_unlinkat(dir, "log");
	sys_call(__NR_unlinkat, AT_FDCWD, (long)"full", 0x200, 0, 0, 0);
	append(&log, "nowhere\n");
	CHECK(log.dropped == 27 + 8 && log.fd == -1);
	sys_close(dir);
}

/* --- the rest --- */

static void records_are_text(void) {
	int dir = scratch("record");
	struct exited exited = {256, 1, 2, 1795343000000000000, 1200, 800, 7};
	struct failed failed = {.section = 2, .op = -1, .error = 17};
	CHECK(record_write(dir, "exit", &exited, NULL) == 0 && file_size(dir, "exit") > 0);
	CHECK(strcmp(file, "berth-exit 1\nwait_status 256\noom_kills 2\nfinished_ns 1795343000000000000\nuser_us 1200\nsystem_us 800\nlog_dropped_bytes 7\n") == 0);
	CHECK(record_write(dir, "exit", &exited, &failed) == 0 && file_size(dir, "exit") > 0);
	CHECK(strncmp(file, "berth-exit 1\nfailed 2 -1 17\nwait_status 256\n", 43) == 0 && file_size(dir, "exit.new") == -ENOENT);
	CHECK(record_write(-1, "exit", &exited, NULL) == -EBADF);
	sys_close(dir);
}

static void text_stays_in_its_buffer(void) {
	char small[8];
	struct text t = {.at = small, .size = sizeof small};
	text_string(&t, "1234");
	text_unsigned(&t, 98765);
	text_signed(&t, -12);
	CHECK(t.full && strcmp(text_end(&t), "1234-12") == 0);
	CHECK(text_value("low 0\noom_kill 12\noom_kill_x 3\n", "oom_kill") == 12 && text_value("oom_kill", "oom_kill") == 0 && text_value("", "x") == 0);
	CHECK(text_value("xoom_kill 3\n", "oom_kill") == 0);
}

static void packets_carry_descriptors(void) {
	int pair[2];
	static struct packet packet;
	struct packet_header header = {SPAWNER_MAGIC, PACKET_VERSION, SPAWNER_LAUNCH, 4, 9};
	int fds[2] = {0, 1};
	CHECK(sys_call(__NR_socketpair, 1, 5 | 04000, 0, (long)pair, 0, 0) == 0);
	CHECK(wire_receive(pair[1], SPAWNER_MAGIC, &packet) == -EAGAIN);
	CHECK(wire_send(pair[0], &header, "abcd", fds, 2) == 0);
	CHECK(wire_receive(pair[1], SPAWNER_MAGIC, &packet) == 0 && packet.fd_count == 2 && packet.header.seq == 9 && memcmp(packet.payload, "abcd", 4) == 0);
	int next = packet.fds[0];
	wire_close_fds(&packet);
	/* What cannot be understood leaves nothing open. */
	CHECK(wire_send(pair[0], &header, "abcd", fds, 2) == 0 && wire_receive(pair[1], MONITOR_MAGIC, &packet) == -EINVAL && packet.header.seq == 9);
	CHECK(sys_fcntl(next, F_GETFD, 0) == -EBADF && packet.fd_count == 0);
	static const uint8_t LONG[PACKET_MAX_PAYLOAD + 1];
	header.length = sizeof LONG;
	CHECK(wire_send(pair[0], &header, LONG, NULL, 0) == 0 && wire_receive(pair[1], SPAWNER_MAGIC, &packet) == -EINVAL);
	header.length = 4;
	CHECK(sys_write(pair[0], &header, sizeof header) == sizeof header && wire_receive(pair[1], SPAWNER_MAGIC, &packet) == -EINVAL);
	header.length = 0;
	header.version = 2;
	CHECK(wire_send(pair[0], &header, "", NULL, 0) == 0 && wire_receive(pair[1], SPAWNER_MAGIC, &packet) == -EINVAL);
	sys_close(pair[0]);
	CHECK(wire_receive(pair[1], SPAWNER_MAGIC, &packet) == -ENODATA);
	sys_close(pair[1]);
}

static void first_failure_stays(void) {
	static struct launch_page page;
	struct launch l = {.page = &page};
	CHECK(launch_fail(&l, SECTION_CHILD, 4, ENOENT) == -1 && launch_fail(&l, SECTION_HOST, 2, EPIPE) == -1);
	CHECK(page.has_failed == 1 && page.section == SECTION_CHILD && page.op == 4 && page.error == ENOENT);
}

int main(void) {
	static const struct {
		const char *name;
		void (*run)(void);
	} TESTS[] = {
		{"header is checked", header_is_checked},
		{"ops are checked", ops_are_checked},
		{"relocations are checked", relocations_are_checked},
		{"sizes are checked", sizes_are_checked},
		{"crc is Castagnoli's", crc_is_castagnoli},
		{"torn frames are cut", torn_frames_are_cut},
		{"foreign files are kept aside", foreign_files_are_kept_aside},
		{"rotation counts up", rotation_counts_up},
		{"what cannot be written is counted", what_cannot_be_written_is_counted},
		{"records are text", records_are_text},
		{"text stays in its buffer", text_stays_in_its_buffer},
		{"packets carry descriptors", packets_carry_descriptors},
		{"first failure stays", first_failure_stays},
	};
	int failures = 0;
	for (size_t i = 0; i < sizeof TESTS / sizeof *TESTS; i++) {
		failed_check = NULL;
		TESTS[i].run();
		printf("%s %s%s%s\n", failed_check == NULL ? "ok" : "not ok", TESTS[i].name, failed_check == NULL ? "" : ": ", failed_check == NULL ? "" : failed_check);
		failures += failed_check != NULL;
	}
	return failures > 0;
}
