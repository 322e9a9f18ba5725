/* What a run gives: its output, its end, or the op that failed. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <termios.h>
#include <unistd.h>

#include "drive.h"

static char text[1 << 18];

static void answers_ping(void) {
	struct message m;
	struct pong pong;
	packet_send(spawner.socket, SPAWNER_MAGIC, SPAWNER_PING, 42, NULL, 0, NULL, 0);
	CHECK(packet_receive(spawner.socket, &m, PATIENCE_MS) == 1 && m.header.type == SPAWNER_PONG && m.header.seq == 42);
	memcpy(&pong, m.payload, sizeof pong);
	CHECK(pong.pid == (uint32_t)spawner.pid && pong.build_id != 0);
	printf("# build %llu\n", (unsigned long long)pong.build_id);
}

static void refuses_what_it_does_not_know(void) {
	struct message m;
	packet_send(spawner.socket, SPAWNER_MAGIC, 99, 7, NULL, 0, NULL, 0);
	CHECK(packet_receive(spawner.socket, &m, PATIENCE_MS) == 1 && m.header.type == SPAWNER_ERROR && m.header.seq == 7 && m.payload[0] == ENOSYS);
	packet_send(spawner.socket, MONITOR_MAGIC, SPAWNER_PING, 8, NULL, 0, NULL, 0);
	CHECK(packet_receive(spawner.socket, &m, PATIENCE_MS) == 1 && m.header.type == SPAWNER_ERROR && m.payload[0] == EINVAL);
	packet_send(spawner.socket, SPAWNER_MAGIC, SPAWNER_LAUNCH, 9, NULL, 0, &probe_fd, 1);
	CHECK(packet_receive(spawner.socket, &m, PATIENCE_MS) == 1 && m.header.type == SPAWNER_ERROR && m.payload[0] == EINVAL);
}

static void runs_and_records(void) {
	struct run r;
	int frames;
	CHECK(run_plain(&r, (const char *const[]){"berth-probe", "echo", "hello", "world", "--", "env", "--", "exit", "3", NULL}) == 3 << 8);
	CHECK(log_text(r.fds[R_DIR], "log", LOG_STDOUT, text, sizeof text, &frames) > 0 && strcmp(text, "hello world\nPROBE=1\n") == 0);
	CHECK(log_text(r.fds[R_DIR], "log", LOG_END, text, sizeof text, &frames) == 0 && frames >= 2);
	CHECK(file_text(r.fds[R_DIR], "exit", text, sizeof text) > 0);
	CHECK(strncmp(text, "berth-exit 1\nwait_status 768\noom_kills 0\nfinished_ns 1", 54) == 0 && strstr(text, "\nlog_dropped_bytes 0\n") != NULL);
	CHECK(faccessat(r.fds[R_DIR], "monitor.sock", F_OK, 0) != 0 && faccessat(r.fds[R_DIR], "exit.new", F_OK, 0) != 0);
	CHECK(r.exited.finished_ns > 1000000000000000000ull && r.exited.flags == 0);
	run_end(&r);
}

static void stamps_are_in_order(void) {
	struct run r;
	struct started started;
	CHECK(run_plain(&r, (const char *const[]){"berth-probe", "true", NULL}) == 0);
	memcpy(&started, r.started.payload, sizeof started);
	static const enum stamp ORDER[] = {STAMP_RECEIVED, STAMP_MONITOR, STAMP_HOST, STAMP_CLONE, STAMP_CHILD, STAMP_EXECED};
	for (int i = 1; i < 6; i++)
		CHECK(started.stamps[ORDER[i - 1]] > 0 && started.stamps[ORDER[i]] >= started.stamps[ORDER[i - 1]]);
	run_end(&r);
}

static void keeps_streams_apart(void) {
	struct run r;
	CHECK(run_plain(&r, (const char *const[]){"berth-probe", "tick", "4", "0", "--stderr", NULL}) == 0);
	CHECK(log_text(r.fds[R_DIR], "log", LOG_STDOUT, text, sizeof text, NULL) > 0 && strcmp(text, "tick 1\ntick 3\n") == 0);
	CHECK(log_text(r.fds[R_DIR], "log", LOG_STDERR, text, sizeof text, NULL) > 0 && strcmp(text, "tick on stderr\ntick on stderr\n") == 0);
	run_end(&r);
}

static void rotates_its_log(void) {
	struct run r;
	struct log_header header[3];
	run_begin(&r);
	r.build.header.log_max_bytes = 16384;
	r.build.header.log_max_files = 3;
	run_clone(&r, 0);
	RUN_EXEC(&r, "tick", "9000", "0");
	run_launch(&r);
	CHECK(run_started(&r) && run_ended(&r) == 1 && r.exited.wait_status == 0);
	static const char *const NAMES[] = {"log", "log.1", "log.2"};
	for (int i = 0; i < 3; i++) {
		CHECK(log_text(r.fds[R_DIR], NAMES[i], LOG_STDOUT, text, sizeof text, NULL) > 0);
		int fd = openat(r.fds[R_DIR], NAMES[i], O_RDONLY);
		CHECK(lseek(fd, 0, SEEK_END) <= 16384 + 16384 + 24 && pread(fd, &header[i], sizeof header[i], 0) == sizeof header[i]);
		close(fd);
	}
	CHECK(header[0].sequence == header[1].sequence + 1 && header[1].sequence == header[2].sequence + 1);
	CHECK(faccessat(r.fds[R_DIR], "log.3", F_OK, 0) != 0);
	CHECK(log_text(r.fds[R_DIR], "log", LOG_STDOUT, text, sizeof text, NULL) > 0 && strstr(text, "tick 9000\n") != NULL);
	run_end(&r);
}

static void says_which_op_failed(void) {
	struct run r;
	run_begin(&r);
	run_clone(&r, 0);
	build_op(&r.build, OP_STAMP)->arg[0] = 9;
	build_syscall(&r.build, SYS_chdir, DAT(build_string(&r.build, "/no/such/place")), IMM(0), IMM(0), IMM(0), IMM(0));
	RUN_EXEC(&r, "true");
	run_launch(&r);
	CHECK(run_ended(&r) == 0 && r.failed.section == SECTION_CHILD && r.failed.op == 1 && r.failed.error == ENOENT && r.failed.stamps[9] > 0);
	CHECK(file_text(r.fds[R_DIR], "exit", text, sizeof text) > 0 && strncmp(text, "berth-exit 1\nfailed 2 1 2\nwait_status 32512\n", 44) == 0);
	run_end(&r);

	run_begin(&r);
	build_op(&r.build, OP_STAMP)->arg[0] = 8;
	build_syscall(&r.build, SYS_close, IMM(9999), IMM(0), IMM(0), IMM(0), IMM(0));
	run_clone(&r, 0);
	RUN_EXEC(&r, "true");
	run_launch(&r);
	CHECK(run_ended(&r) == 0 && r.failed.section == SECTION_HOST && r.failed.op == 1 && r.failed.error == EBADF);
	run_end(&r);

	run_begin(&r);
	build_op(&r.build, OP_CLONE);
	build_syscall(&r.build, SYS_close, IMM(9999), IMM(0), IMM(0), IMM(0), IMM(0));
	build_child(&r.build);
	build_op(&r.build, OP_WAIT)->arg[0] = 3;
	RUN_EXEC(&r, "true");
	run_launch(&r);
	CHECK(run_ended(&r) == 0 && r.failed.section == SECTION_HOST && r.failed.op == 1 && r.failed.error == EBADF);
	run_end(&r);
}

static void blames_the_child_and_not_who_waits_for_it(void) {
	struct run r;
	run_begin(&r);
	build_op(&r.build, OP_CLONE);
	build_op(&r.build, OP_WAIT)->arg[0] = 1;
	build_child(&r.build);
	build_syscall(&r.build, SYS_close, IMM(9999), IMM(0), IMM(0), IMM(0), IMM(0));
	build_op(&r.build, OP_POST)->arg[0] = 1;
	run_launch(&r);
	CHECK(run_ended(&r) == 0 && r.failed.section == SECTION_CHILD && r.failed.op == 0 && r.failed.error == EBADF);
	run_end(&r);

	run_begin(&r);
	run_clone(&r, 0);
	build_op(&r.build, OP_STAMP);
	run_launch(&r);
	CHECK(run_ended(&r) == 0 && r.failed.section == SECTION_CHILD && r.failed.op == 1 && r.failed.error == ENOEXEC);
	run_end(&r);
}

static void tells_a_kill_on_the_way_from_an_exit(void) {
	struct run r;
	run_begin(&r);
	run_clone(&r, CLONE_NEWPID);
	build_op(&r.build, OP_STAMP);
	/* As pid 1 of a namespace it is immune to its own signals, as a seccomp filter's victim it is not; an exit is death all the same. */
	build_syscall(&r.build, SYS_exit_group, IMM(5), IMM(0), IMM(0), IMM(0), IMM(0));
	run_launch(&r);
	CHECK(run_ended(&r) == 0 && r.failed.section == SECTION_CHILD && r.failed.op == 1 && r.failed.error == EOWNERDEAD);
	run_end(&r);
}

static void refuses_programs(void) {
	struct run r;
	run_begin(&r);
	run_clone(&r, 0);
	RUN_EXEC(&r, "true");
	r.build.header.version = 2;
	run_launch(&r);
	CHECK(run_ended(&r) == 0 && r.failed.section == SECTION_VALIDATION && r.failed.op == -1 && r.failed.error == EINVAL);
	run_end(&r);

	/* An honest program in a memfd that could still change. */
	struct run unsealed;
	run_begin(&unsealed);
	run_clone(&unsealed, 0);
	RUN_EXEC(&unsealed, "true");
	uint8_t *bytes;
	size_t size = build_end(&unsealed.build, &bytes);
	int pair[2];
	int memfd = memfd_create("program", MFD_CLOEXEC);
	CHECK(write(memfd, bytes, size) == (ssize_t)size && socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0);
	int fds[] = {memfd, pair[1], unsealed.fds[0], unsealed.fds[1], unsealed.fds[2], unsealed.fds[3]};
	uint32_t total = (uint32_t)size;
	packet_send(spawner.socket, SPAWNER_MAGIC, SPAWNER_LAUNCH, 1, &total, sizeof total, fds, 6);
	close(memfd);
	close(pair[1]);
	free(bytes);
	unsealed.socket = pair[0];
	CHECK(run_ended(&unsealed) == 0 && unsealed.failed.section == SECTION_VALIDATION && unsealed.failed.error == EINVAL);
	run_end(&unsealed);
}

static void follows_actions_and_patches(void) {
	struct run r;
	struct build *b = &r.build;
	run_begin(&r);
	/* On the host: a socketpair's number goes into data by a patch and comes back out of it as the text of a write. */
	struct op *failing = build_syscall(b, SYS_close, IMM(9999), IMM(0), IMM(0), IMM(0), IMM(0));
	build_on(failing, EBADF, ACT_SKIP, 1);
	build_syscall(b, SYS_close, IMM(9999), IMM(0), IMM(0), IMM(0), IMM(0));
	struct op *any = build_syscall(b, SYS_close, IMM(9999), IMM(0), IMM(0), IMM(0), IMM(0));
	any->out = R_FREE;
	build_on(any, ACT_ANY_ERROR, ACT_IGNORE, 0);
	struct op *taken = build_syscall(b, SYS_getpid, IMM(0), IMM(0), IMM(0), IMM(0), IMM(0));
	taken->out = R_FREE + 1;
	build_on(taken, 0, ACT_SKIP, 1);
	build_syscall(b, SYS_close, IMM(9999), IMM(0), IMM(0), IMM(0), IMM(0));
	run_clone(&r, 0);
	uint64_t zero[2] = {0x7777777777777777ull, 0x7777777777777777ull};
	uint32_t at = build_data(b, zero, sizeof zero);
	struct op *out = build_syscall(b, SYS_write, REG(R_STDOUT), DAT(at), IMM(16), IMM(0), IMM(0));
	RUN_EXEC(&r, "true");
	out->reloc_first = b->header.reloc_count;
	out->reloc_count = 2;
	b->relocs[b->header.reloc_count++] = (struct reloc){RELOC_REG32, at, R_FREE + 1};
	b->relocs[b->header.reloc_count++] = (struct reloc){RELOC_REG64, at + 8, R_FREE};
	run_launch(&r);
	CHECK(run_started(&r) && run_ended(&r) == 1);
	CHECK(log_text(r.fds[R_DIR], "log", LOG_STDOUT, text, sizeof text, NULL) == 16);
	int32_t words[2];
	int64_t untouched;
	memcpy(words, text, 8);
	memcpy(&untouched, text + 8, 8);
	CHECK(words[0] > 1 && words[1] == 0x77777777 && untouched == -1);
	run_end(&r);
}

static void meets_at_points_and_writes_the_childs_files(void) {
	struct run r;
	struct build *b = &r.build;
	run_begin(&r);
	build_op(b, OP_CLONE)->out = R_FREE;
	build_op(b, OP_WAIT)->arg[0] = 4;
	struct op *file = build_op(b, OP_CHILD_FILE);
	file->arg[0] = build_string(b, "oom_score_adj");
	file->arg[1] = build_string(b, "321");
	file->arg[2] = 3;
	struct op *opened = build_op(b, OP_CHILD_OPEN);
	opened->arg[0] = build_string(b, "ns/net");
	opened->out = R_FREE + 1;
	build_syscall(b, SYS_setns, REG(R_FREE + 1), IMM(CLONE_NEWNET), IMM(0), IMM(0), IMM(0));
	/* The pidfd is in the register. */
	build_syscall(b, SYS_pidfd_send_signal, REG(R_FREE), IMM(0), IMM(0), IMM(0), IMM(0));
	build_op(b, OP_POST)->arg[0] = 5;
	b->header.clone_flags = CLONE_NEWNET;
	build_child(b);
	build_op(b, OP_POST)->arg[0] = 4;
	build_op(b, OP_WAIT)->arg[0] = 5;
	RUN_EXEC(&r, "cat", "/proc/self/oom_score_adj");
	run_launch(&r);
	CHECK(run_started(&r) && run_ended(&r) == 1 && r.exited.wait_status == 0);
	CHECK(log_text(r.fds[R_DIR], "log", LOG_STDOUT, text, sizeof text, NULL) > 0 && strcmp(text, "321\n") == 0);
	run_end(&r);
}

static void request(int socket, uint16_t type, const void *payload, uint32_t length, const int *fds, uint32_t count, int expected) {
	struct message m;
	struct ack ack;
	packet_send(socket, MONITOR_MAGIC, type, 77, payload, length, fds, count);
	CHECK(packet_receive(socket, &m, PATIENCE_MS) == 1 && m.header.type == MONITOR_ACK && m.header.seq == 77);
	memcpy(&ack, m.payload, sizeof ack);
	CHECK(ack.type == type && ack.error == expected);
}

static void feeds_standard_input(void) {
	struct run r;
	run_begin(&r);
	r.build.header.flags = PROGRAM_STDIN_OPEN;
	run_clone(&r, 0);
	RUN_EXEC(&r, "cat");
	run_launch(&r);
	CHECK(run_started(&r) && r.input >= 0);
	CHECK(write(r.input, "to the cat\n", 11) == 11 && log_wait(&r, "to the cat\n"));
	message_close(&r.started);
	request(r.socket, MONITOR_RESIZE, "\1\0\1\0", 4, NULL, 0, ENOTTY);
	request(r.socket, MONITOR_CLOSE_STDIN, NULL, 0, NULL, 0, 0);
	CHECK(run_ended(&r) == 1 && r.exited.wait_status == 0);
	run_end(&r);
}

/* Up to the child's dup3: a pty whose master comes with the program, as the agent makes it. */
static void begin_terminal(struct run *r) {
	struct build *b = &r->build;
	int unlock = 0;
	run_begin(r);
	r->fds[R_EXTRA1] = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC);
	b->header.flags = PROGRAM_TTY;
	b->header.pty_reg = R_EXTRA1;
	b->header.stdin_reg = b->header.stdout_reg = b->header.stderr_reg = R_FREE;
	b->header.rows = 33;
	b->header.columns = 77;
	build_syscall(b, SYS_ioctl, REG(R_EXTRA1), IMM(TIOCSPTLCK), DAT(build_data(b, &unlock, sizeof unlock)), IMM(0), IMM(0));
	build_syscall(b, SYS_ioctl, REG(R_EXTRA1), IMM(TIOCGPTPEER), IMM(O_RDWR | O_NOCTTY | O_CLOEXEC), IMM(0), IMM(0))->out = R_FREE;
	run_clone(r, 0);
	build_syscall(b, SYS_setsid, IMM(0), IMM(0), IMM(0), IMM(0), IMM(0));
	build_syscall(b, SYS_ioctl, REG(R_FREE), IMM(TIOCSCTTY), IMM(0), IMM(0), IMM(0));
}

static void gives_a_terminal(void) {
	struct run r;
	begin_terminal(&r);
	RUN_EXEC(&r, "tty", "--", "sleep-until-signal", "--", "tty");
	run_launch(&r);
	close(r.fds[R_EXTRA1]);
	CHECK(run_started(&r) && r.input >= 0 && log_wait(&r, "ready"));
	CHECK(write(r.input, "\x03", 1) == 1 && log_wait(&r, "INT\r\n"));
	request(r.socket, MONITOR_RESIZE, "\x0a\0\x14\0", 4, NULL, 0, 0);
	CHECK(log_wait(&r, "WINCH\r\n") && syscall(SYS_pidfd_send_signal, r.pidfd, SIGTERM, NULL, 0) == 0);
	CHECK(run_ended(&r) == 1 && r.exited.wait_status == 0);
	CHECK(log_text(r.fds[R_DIR], "log", LOG_STDOUT, text, sizeof text, NULL) > 0);
	CHECK(strncmp(text, "tty 33 77 controlling\r\n", 23) == 0 && strstr(text, "tty 10 20 controlling\r\n") != NULL);
	run_end(&r);
}

static void does_not_hang_up_on_a_process_without_streams(void) {
	struct run r;
	begin_terminal(&r);
	RUN_EXEC(&r, "syscall", "3", "0", "--", "syscall", "3", "1", "--", "syscall", "3", "2", "--", "spin", "1", "--", "exit", "5");
	run_launch(&r);
	close(r.fds[R_EXTRA1]);
	CHECK(run_started(&r));
	message_close(&r.started);
	CHECK(run_ended(&r) == 1 && r.exited.wait_status == 5 << 8);
	run_end(&r);
}

static void reopens_its_log(void) {
	struct run r;
	struct run other;
	run_begin(&r);
	run_begin(&other);
	r.build.header.flags = PROGRAM_STDIN_OPEN;
	run_clone(&r, 0);
	RUN_EXEC(&r, "cat");
	run_launch(&r);
	CHECK(run_started(&r) && write(r.input, "first\n", 6) == 6 && log_wait(&r, "first\n"));
	CHECK(renameat(r.fds[R_DIR], "log", r.fds[R_DIR], "taken") == 0);
	request(r.socket, MONITOR_REOPEN_LOG, NULL, 0, NULL, 0, 0);
	CHECK(write(r.input, "second\n", 7) == 7 && log_wait(&r, "second\n"));
	request(r.socket, MONITOR_REOPEN_LOG, NULL, 0, &other.fds[R_DIR], 1, 0);
	CHECK(write(r.input, "third\n", 6) == 6 && log_wait(&other, "third\n"));
	request(r.socket, MONITOR_CLOSE_STDIN, NULL, 0, NULL, 0, 0);
	message_close(&r.started);
	CHECK(run_ended(&r) == 1);
	run_end(&r);
	run_end(&other);
}

static void starts_with_clean_signals(void) {
	struct run r;
	CHECK(run_plain(&r, (const char *const[]){"berth-probe", "cat", "/proc/self/status", NULL}) == 0);
	CHECK(log_text(r.fds[R_DIR], "log", LOG_STDOUT, text, sizeof text, NULL) > 0);
	CHECK(strstr(text, "SigBlk:\t0000000000000000\n") != NULL && strstr(text, "SigIgn:\t0000000000000000\n") != NULL);
	run_end(&r);
}

const struct test RUN_TESTS[] = {
	{"answers ping", answers_ping},
	{"refuses what it does not know", refuses_what_it_does_not_know},
	{"runs and records", runs_and_records},
	{"stamps are in order", stamps_are_in_order},
	{"keeps streams apart", keeps_streams_apart},
	{"rotates its log", rotates_its_log},
	{"says which op failed", says_which_op_failed},
	{"blames the child and not who waits for it", blames_the_child_and_not_who_waits_for_it},
	{"tells a kill on the way from an exit", tells_a_kill_on_the_way_from_an_exit},
	{"refuses programs", refuses_programs},
	{"follows actions and patches", follows_actions_and_patches},
	{"meets at points and writes the child's files", meets_at_points_and_writes_the_childs_files},
	{"feeds standard input", feeds_standard_input},
	{"gives a terminal", gives_a_terminal},
	{"does not hang up on a process without streams", does_not_hang_up_on_a_process_without_streams},
	{"reopens its log", reopens_its_log},
	{"starts with clean signals", starts_with_clean_signals},
	{NULL, NULL},
};
