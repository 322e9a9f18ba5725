/* simtask [--memory SIZE] [--seconds N] [--gpu N|all] [--utilization PCT] [--quiet]
 *
 * Uses GPUs as a CUDA program would: takes memory on one or all that it may open, says what it sees, holds it for so long (for ever without --seconds), and ends with a signal. Exit status: 0, 2 usage, 3 no
 * GPU, 4 out of memory, 5 the GPU does not take it (compute mode, lost, in need of a reset), 6 no driver. */
#define _GNU_SOURCE
#include "client.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static bool parse_size(const char *text, uint64_t *bytes) {
	static const struct {
		const char *unit;
		uint64_t factor;
	} units[] = {{"", 1}, {"B", 1}, {"KiB", UINT64_C(1) << 10}, {"MiB", UINT64_C(1) << 20}, {"GiB", UINT64_C(1) << 30}};
	char *end;
	errno = 0;
	unsigned long long number = strtoull(text, &end, 10);
	if (errno != 0 || end == text || *text == '-')
		return false;
	for (size_t i = 0; i < sizeof units / sizeof *units; i++)
		if (strcmp(end, units[i].unit) == 0 && number <= UINT64_MAX / units[i].factor) {
			*bytes = number * units[i].factor;
			return true;
		}
	return false;
}

/* The memory of one GPU: 0, or the exit status. Under sim_lock. */
static int take(uint32_t gpu, uint32_t slot, uint64_t bytes) {
	struct sim_gpu *g = &sim->gpu[gpu];
	if (g->lost || g->reset_required) {
		fprintf(stderr, "simtask: gpu %s: %s\n", g->uuid, g->lost ? "GPU is lost" : "GPU requires reset");
		return 5;
	}
	bool taken = false;
	for (uint32_t i = 0; i < SIM_SLOTS && !taken; i++)
		taken = i != slot && (sim->slot[i].gpus >> gpu & 1) && sim_slot_pid(i) >= 0;
	if (g->compute_mode == 2 || (g->compute_mode == 3 && taken)) {
		fprintf(stderr, "simtask: gpu %s: all CUDA-capable devices are busy or unavailable (compute mode %u)\n", g->uuid, g->compute_mode);
		return 5;
	}
	uint64_t free_bytes = g->memory_bytes - g->reserved_bytes - sim_used_bytes(gpu);
	if (bytes > free_bytes) {
		fprintf(stderr, "simtask: gpu %s: out of memory: %llu bytes wanted, %llu free\n", g->uuid, (unsigned long long)bytes, (unsigned long long)free_bytes);
		return 4;
	}
	sim->slot[slot].peak[gpu] = bytes;
	SIM_STORE(sim->slot[slot].memory[gpu], bytes);
	SIM_STORE(sim->slot[slot].gpus, sim->slot[slot].gpus | 1u << gpu);
	return 0;
}

static void stop(int signal_number) {
	(void)signal_number;
}

struct options {
	uint64_t memory;
	double seconds;
	long gpu; /* the how-many-th that it sees; -1 for all */
	uint32_t utilization;
	bool quiet;
};

static bool parse(int argc, char **argv, struct options *o) {
	for (int i = 1; i < argc; i++) {
		const char *value = i + 1 < argc ? argv[i + 1] : NULL;
		if (strcmp(argv[i], "--quiet") == 0) {
			o->quiet = true;
			continue;
		}
		if (value == NULL)
			return false;
		char *end = "";
		if (strcmp(argv[i], "--memory") == 0 && !parse_size(value, &o->memory))
			return false;
		else if (strcmp(argv[i], "--seconds") == 0)
			o->seconds = strtod(value, &end);
		else if (strcmp(argv[i], "--gpu") == 0)
			o->gpu = strcmp(value, "all") == 0 ? -1 : strtol(value, &end, 10);
		else if (strcmp(argv[i], "--utilization") == 0)
			o->utilization = (uint32_t)strtoul(value, &end, 10);
		else if (strcmp(argv[i], "--memory") != 0)
			return false;
		if (*end != 0)
			return false;
		i++;
	}
	return true;
}

/* Until the time is over or a signal comes. */
static void hold(double seconds) {
	sigset_t signals;
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGHUP);
	if (seconds < 0) {
		int got;
		sigwait(&signals, &got);
		return;
	}
	struct timespec length = {.tv_sec = (time_t)seconds, .tv_nsec = (long)((seconds - (double)(time_t)seconds) * 1e9)};
	while (sigtimedwait(&signals, NULL, &length) < 0 && errno == EINTR)
		;
}

static void name_of_self(char *out, size_t size) {
	ssize_t length = readlink("/proc/self/exe", out, size - 1);
	out[length > 0 ? length : 0] = 0;
}

int main(int argc, char **argv) {
	struct options o = {.memory = UINT64_C(512) << 20, .seconds = -1, .utilization = 95};
	if (!parse(argc, argv, &o)) {
		fprintf(stderr, "usage: simtask [--memory SIZE] [--seconds N] [--gpu N|all] [--utilization PCT] [--quiet]\n");
		return 2;
	}
	/* Blocked before anything is taken, so that no signal is lost; a handler, so that pid 1 of a container gets them at all. */
	static const int ends[] = {SIGTERM, SIGINT, SIGHUP};
	sigset_t blocked;
	sigemptyset(&blocked);
	for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
		sigaddset(&blocked, ends[i]);
		signal(ends[i], stop);
	}
	sigprocmask(SIG_BLOCK, &blocked, NULL);
	int opened = sim_open();
	int control = opened == 0 ? sim_control_errno() : 0;
	if (opened != 0 || control != 0) {
		fprintf(stderr, "simtask: no driver: %s\n", opened != 0 ? strerror(-opened) : strerror(control));
		return 6;
	}
	char name[128];
	name_of_self(name, sizeof name);
	int status = 3;
	uint32_t seen = 0;
	sim_lock();
	int slot = sim_slot_take(SIM_COMPUTE, name);
	if (slot < 0) {
		sim_unlock();
		fprintf(stderr, "simtask: %s: %s\n", sim_path(), strerror(-slot));
		return 6;
	}
	sim->slot[slot].utilization = o.utilization < 100 ? o.utilization : 100;
	for (uint32_t gpu = 0; gpu < sim->gpus && status != 4 && status != 5; gpu++) {
		if (!sim_visible(gpu))
			continue;
		if (o.gpu < 0 || o.gpu == (long)seen) {
			status = take(gpu, (uint32_t)slot, o.memory);
			sim_attach(gpu);
			if (status == 0 && !o.quiet)
				printf("GPU %u: %s (UUID: %s): %llu MiB taken\n", seen, sim->gpu[gpu].name, sim->gpu[gpu].uuid, (unsigned long long)(o.memory >> 20));
		}
		seen++;
	}
	sim_unlock();
	if (!o.quiet)
		printf("%u GPU(s) seen\n", seen);
	fflush(stdout);
	if (status == 0)
		hold(o.seconds);
	else if (status == 3)
		fprintf(stderr, "simtask: no CUDA-capable device is detected: %u seen, %ld wanted\n", seen, o.gpu);
	sim_lock();
	sim_slot_release();
	sim_unlock();
	return status;
}
