/* What it costs: descriptors, private memory, time. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "drive.h"

#define LATENCY_RUNS 300
#define CROWD 40
#define MONITOR_PRIVATE_KIB 150

static char text[1 << 16];

static void start_sleeper(struct run *r) {
	run_begin(r);
	r->build.header.flags = PROGRAM_STDIN_OPEN;
	run_clone(r, 0);
	RUN_EXEC(r, "fds", "--", "sleep-until-signal");
	run_launch(r);
	CHECK(run_started(r) && log_wait(r, "ready"));
}

static void end_sleeper(struct run *r) {
	CHECK(syscall(SYS_pidfd_send_signal, r->pidfd, SIGTERM, NULL, 0) == 0);
	CHECK(run_ended(r) == 1 && r->exited.wait_status == 0);
	run_end(r);
}

static void holds_only_what_it_needs(void) {
	struct run r;
	int before = fd_count(spawner.pid);
	/* Three null devices, the socket, the cgroup. */
	CHECK(before == 5);
	start_sleeper(&r);
	CHECK(fd_count(spawner.pid) == before);
	/* Null devices 3, launch socket, listener, run and log directory (one), log, stdin, stdout, stderr, pidfd. */
	CHECK(fd_count(monitor_pid(&r)) == 3 + 8);
	CHECK(fd_count(r.pid) == 3);
	CHECK(log_text(r.fds[R_DIR], "log", LOG_STDOUT, text, sizeof text, NULL) > 0 && strstr(text, "fd 3 ") == NULL && strstr(text, "fd 0 pipe:") != NULL);
	end_sleeper(&r);
}

static long private_kib(pid_t pid) {
	char path[64];
	char line[256];
	long total = 0;
	snprintf(path, sizeof path, "/proc/%d/smaps_rollup", pid);
	FILE *file = fopen(path, "re");
	while (file != NULL && fgets(line, sizeof line, file) != NULL) {
		long kib = 0;
		if (sscanf(line, "Private_%*[a-zA-Z]: %ld", &kib) == 1)
			total += kib;
	}
	if (file != NULL)
		fclose(file);
	return file == NULL ? -1 : total;
}

static void is_small(void) {
	struct run r;
	start_sleeper(&r);
	long kib = private_kib(monitor_pid(&r));
	printf("# private memory: monitor %ld KiB, spawner %ld KiB\n", kib, private_kib(spawner.pid));
	CHECK(kib > 0 && kib <= MONITOR_PRIVATE_KIB);
	end_sleeper(&r);
}

static long since_us(const struct timespec *from) {
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (now.tv_sec - from->tv_sec) * 1000000 + (now.tv_nsec - from->tv_nsec) / 1000;
}

static int ascending(const void *a, const void *b) {
	return (*(const long *)a > *(const long *)b) - (*(const long *)a < *(const long *)b);
}

static void put_percentiles(const char *what, long *us) {
	qsort(us, LATENCY_RUNS, sizeof *us, ascending);
	printf("# %s: p50 %ld us, p90 %ld us, p99 %ld us, max %ld us\n", what, us[LATENCY_RUNS / 2], us[LATENCY_RUNS * 9 / 10], us[LATENCY_RUNS * 99 / 100], us[LATENCY_RUNS - 1]);
}

static void starts_fast(void) {
	static long to_exit[LATENCY_RUNS];
	static long to_started[LATENCY_RUNS];
	for (int i = 0; i < LATENCY_RUNS; i++) {
		struct run r;
		struct timespec from;
		run_begin(&r);
		run_clone(&r, 0);
		RUN_EXEC(&r, "true");
		clock_gettime(CLOCK_MONOTONIC, &from);
		run_launch(&r);
		CHECK(run_started(&r));
		to_started[i] = since_us(&from);
		CHECK(run_ended(&r) == 1 && r.exited.wait_status == 0);
		to_exit[i] = since_us(&from);
		run_end(&r);
	}
	put_percentiles("launch to STARTED", to_started);
	put_percentiles("launch to EXITED", to_exit);
}

static void serves_a_crowd(void) {
	static struct run runs[CROWD];
	for (int i = 0; i < CROWD; i++) {
		run_begin(&runs[i]);
		run_clone(&runs[i], 0);
		RUN_EXEC(&runs[i], "tick", "20", "0");
		run_launch(&runs[i]);
	}
	for (int i = 0; i < CROWD; i++) {
		CHECK(run_started(&runs[i]) && run_ended(&runs[i]) == 1 && runs[i].exited.wait_status == 0);
		CHECK(log_text(runs[i].fds[R_DIR], "log", LOG_STDOUT, text, sizeof text, NULL) > 0 && strstr(text, "tick 20\n") != NULL);
		run_end(&runs[i]);
	}
	CHECK(fd_count(spawner.pid) == 5);
	/* Nothing of it is left: the spawner has no children, not even dead ones. */
	snprintf(text, sizeof text, "/proc/%d/task/%d/children", spawner.pid, spawner.pid);
	char children[256] = "?";
	for (int i = 0; i < PATIENCE_MS && children[0] != 0; i++)
		if (file_text(AT_FDCWD, text, children, sizeof children) < 0)
			break;
	CHECK(children[0] == 0);
}

const struct test COST_TESTS[] = {
	{"holds only what it needs", holds_only_what_it_needs},
	{"is small", is_small},
	{"serves a crowd", serves_a_crowd},
	{"starts fast", starts_fast},
	{NULL, NULL},
};
