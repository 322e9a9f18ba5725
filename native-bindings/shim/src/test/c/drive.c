#define _GNU_SOURCE
#include "drive.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../../shim/log.h"

const char *shim_path;
int probe_fd;
struct spawner spawner;
const char *failed_check;
static char failure[256];
static int run_number;

int check(int holds, const char *text, const char *file, int line) {
	if (!holds && failed_check == NULL) {
		snprintf(failure, sizeof failure, "%s:%d: %s (errno %d)", file, line, text, errno);
		failed_check = failure;
	}
	return holds;
}

void run_begin(struct run *r) {
	memset(r, 0, sizeof *r);
	snprintf(r->dir, sizeof r->dir, "run.%d.%d", getpid(), run_number++);
	CHECK(mkdir(r->dir, 0700) == 0);
	r->fds[R_DIR] = open(r->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	r->fds[R_EXE] = probe_fd;
	r->fds[R_EXTRA1] = r->fds[R_EXTRA2] = probe_fd;
	r->socket = r->pidfd = r->input = -1;
	build_begin(&r->build, R_GIVEN);
	struct program_header *h = &r->build.header;
	h->run_dir_reg = h->log_dir_reg = R_DIR;
	h->stdin_reg = R_STDIN;
	h->stdout_reg = R_STDOUT;
	h->stderr_reg = R_STDERR;
}

void run_clone(struct run *r, uint64_t clone_flags) {
	r->build.header.clone_flags = clone_flags;
	build_op(&r->build, OP_CLONE);
	build_child(&r->build);
}

void run_exec(struct run *r, const char *const *words) {
	static const char *const ENVIRONMENT[] = {"PROBE=1", NULL};
	struct build *b = &r->build;
	const int streams[] = {b->header.stdin_reg, b->header.stdout_reg, b->header.stderr_reg};
	for (int i = 0; i < 3; i++)
		build_syscall(b, SYS_dup3, REG(streams[i]), IMM(i), IMM(0), IMM(0), IMM(0));
	uint32_t arguments = build_strings(b, words);
	uint32_t environment = build_strings(b, ENVIRONMENT);
	build_syscall(b, SYS_execveat, REG(R_EXE), DAT(build_string(b, "")), DAT(arguments), DAT(environment), IMM(AT_EMPTY_PATH));
}

void run_launch(struct run *r) {
	r->socket = spawner_launch(&spawner, &r->build, r->fds);
}

int run_started(struct run *r) {
	struct message *m = &r->started;
	if (!CHECK(packet_receive(r->socket, m, PATIENCE_MS) == 1))
		return 0;
	if (m->header.type != MONITOR_STARTED) {
		memcpy(&r->failed, m->payload, sizeof r->failed);
		return 0;
	}
	struct started started;
	memcpy(&started, m->payload, sizeof started);
	r->pid = started.pid;
	CHECK(m->fd_count >= 1 && started.start_time > 0);
	r->pidfd = m->fds[0];
	r->input = m->fd_count > 1 ? m->fds[1] : -1;
	return 1;
}

int run_ended(struct run *r) {
	for (;;) {
		struct message m;
		if (packet_receive(r->socket, &m, PATIENCE_MS) != 1)
			return -1;
		message_close(&m);
		if (m.header.type == MONITOR_EXITED) {
			memcpy(&r->exited, m.payload, sizeof r->exited);
			return 1;
		}
		if (m.header.type == MONITOR_FAILED) {
			memcpy(&r->failed, m.payload, sizeof r->failed);
			return 0;
		}
	}
}

void run_end(struct run *r) {
	/* A test that failed half-way leaves no process behind; in any other its process has ended. */
	if (r->started.fd_count > 0)
		syscall(SYS_pidfd_send_signal, r->pidfd, SIGKILL, NULL, 0);
	message_close(&r->started);
	if (r->socket >= 0)
		close(r->socket);
	DIR *dir = fdopendir(r->fds[R_DIR]);
	for (struct dirent *e; dir != NULL && (e = readdir(dir)) != NULL;)
		unlinkat(dirfd(dir), e->d_name, 0);
	if (dir != NULL)
		closedir(dir);
	CHECK(rmdir(r->dir) == 0);
}

int run_plain(struct run *r, const char *const *words) {
	run_begin(r);
	run_clone(r, 0);
	run_exec(r, words);
	run_launch(r);
	if (!CHECK(run_started(r)) || !CHECK(run_ended(r) == 1))
		return -1;
	return r->exited.wait_status;
}

long file_text(int dir, const char *name, char *to, size_t size) {
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
	long got = fd < 0 ? -1 : read(fd, to, size - 1);
	if (fd >= 0)
		close(fd);
	to[got > 0 ? got : 0] = 0;
	return got;
}

long log_text(int dir, const char *name, int stream, char *to, size_t size, int *frames) {
	static char file[1 << 20];
	long length = file_text(dir, name, file, sizeof file);
	long total = 0;
	if (frames != NULL)
		*frames = 0;
	if (length < (long)sizeof(struct log_header) || memcmp(file, LOG_MAGIC, 8) != 0)
		return -1;
	for (long at = sizeof(struct log_header); at < length;) {
		struct log_frame frame;
		if (length - at < (long)sizeof frame)
			return -1;
		memcpy(&frame, file + at, sizeof frame);
		if (length - at < (long)(sizeof frame + frame.length) || log_crc(0, file + at + 8, sizeof frame - 8 + frame.length) != frame.crc)
			return -1;
		if (frame.stream == stream && total + frame.length < (long)size) {
			memcpy(to + total, file + at + sizeof frame, frame.length);
			total += frame.length;
		}
		if (frames != NULL)
			++*frames;
		at += (long)sizeof frame + frame.length;
	}
	to[total] = 0;
	return total;
}

int log_wait(struct run *r, const char *text) {
	char log[4096];
	for (int i = 0; i < PATIENCE_MS; i++) {
		if (log_text(r->fds[R_DIR], "log", LOG_STDOUT, log, sizeof log, NULL) >= 0 && strstr(log, text) != NULL)
			return 1;
		poll(NULL, 0, 1);
	}
	return 0;
}

int fd_count(pid_t pid) {
	char path[64];
	snprintf(path, sizeof path, "/proc/%d/fd", pid);
	DIR *dir = opendir(path);
	int count = 0;
	if (dir == NULL)
		return -1;
	for (struct dirent *e; (e = readdir(dir)) != NULL;)
		count += e->d_name[0] != '.';
	closedir(dir);
	return count;
}

int monitor_pid(const struct run *r) {
	char path[64];
	char stat[512];
	int parent = -1;
	snprintf(path, sizeof path, "/proc/%d/stat", r->pid);
	if (file_text(AT_FDCWD, path, stat, sizeof stat) <= 0)
		return -1;
	sscanf(strrchr(stat, ')') + 1, " %*c %d", &parent);
	return parent;
}

int gone(pid_t pid) {
	char path[64];
	snprintf(path, sizeof path, "/proc/%d", pid);
	for (int i = 0; i < PATIENCE_MS; i++) {
		if (access(path, F_OK) != 0)
			return 1;
		poll(NULL, 0, 1);
	}
	return 0;
}

int cgroup_make(char *path, size_t size) {
	char line[1024];
	char root[256] = "";
	FILE *mounts = fopen("/proc/self/mountinfo", "re");
	while (mounts != NULL && fgets(line, sizeof line, mounts) != NULL)
		if (strstr(line, " - cgroup2 ") != NULL)
			sscanf(line, "%*s %*s %*s %*s %255s", root);
	if (mounts != NULL)
		fclose(mounts);
	if (root[0] == 0)
		return -1;
	snprintf(path, size, "%s/berth-shim-test-%d-%d", root, getpid(), run_number++);
	return mkdir(path, 0755) == 0 ? open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
}

static int run_tests(const struct test *tests, const char *only) {
	int failures = 0;
	for (; tests->name != NULL; tests++) {
		if (only != NULL && strcmp(only, tests->name) != 0)
			continue;
		failed_check = NULL;
		tests->run();
		printf("%s %s%s%s\n", failed_check == NULL ? "ok" : "not ok", tests->name, failed_check == NULL ? "" : ": ", failed_check == NULL ? "" : failed_check);
		fflush(stdout);
		failures += failed_check != NULL;
	}
	return failures;
}

/* SHIM PROBE [TEST], in a directory that is this driver's own. */
int main(int argc, char **argv) {
	if (argc < 3)
		return 2;
	const char *only = argc > 3 ? argv[3] : NULL;
	shim_path = argv[1];
	probe_fd = open(argv[2], O_RDONLY | O_CLOEXEC);
	spawner = spawner_start(shim_path, -1);
	int failures = run_tests(RUN_TESTS, only) + run_tests(LIFE_TESTS, only) + run_tests(COST_TESTS, only);
	spawner_stop(&spawner);
	return failures > 0;
}
