#define _GNU_SOURCE
#include "client.h"

#include <pthread.h>
#include <string.h>

/* Held by a thread that hangs with `whole`: as NVML's own lock would be. Every call passes through it. */
static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;

static bool matches(const struct sim_fault *f, const char *function, int gpu) {
	if (f->kind == SIM_FAULT_FREE || (f->gpu >= 0 && f->gpu != gpu))
		return false;
	if (f->function[0] == 0)
		return true;
	if (strcmp(f->function, "init") == 0)
		return strcmp(function, "nvmlInit_v2") == 0 || strcmp(function, "nvmlInitWithFlags") == 0;
	return strcmp(f->function, function) == 0;
}

/* Whether this call is one that the fault hits. A client that cannot write cannot count: it takes the fault as due. */
static bool due(struct sim_fault *f) {
	if (!sim_writable())
		return true;
	uint64_t call = __atomic_add_fetch(&f->calls, 1, __ATOMIC_ACQ_REL);
	if (call < f->from || (f->times != 0 && call >= f->from + f->times))
		return false;
	__atomic_add_fetch(&f->hits, 1, __ATOMIC_ACQ_REL);
	return true;
}

/* Until the hang's end, or until somebody takes the fault away: for ever otherwise. */
static void hang(const struct sim_fault *f, uint32_t id) {
	for (;;) {
		uint64_t now = sim_boot_ns();
		uint64_t until = SIM_LOAD(f->until_ns);
		if (SIM_LOAD(f->kind) != SIM_FAULT_HANG || SIM_LOAD(f->id) != id || (until != 0 && now >= until))
			return;
		uint64_t next = now + UINT64_C(5000000);
		sim_sleep_until(until != 0 && until < next ? until : next);
	}
}

int sim_fault(const char *function, int gpu) {
	pthread_mutex_lock(&gate);
	pthread_mutex_unlock(&gate);
	if (SIM_LOAD(sim->faults_armed) == 0)
		return 0;
	for (uint32_t i = 0; i < SIM_FAULTS; i++) {
		struct sim_fault *f = &sim->fault[i];
		uint32_t kind = SIM_LOAD(f->kind);
		uint32_t id = SIM_LOAD(f->id);
		if (kind == SIM_FAULT_FREE || !matches(f, function, gpu) || !due(f))
			continue;
		switch (kind) {
		case SIM_FAULT_RETURN:
			return (int)f->code;
		case SIM_FAULT_SLOW:
			sim_sleep_until(sim_boot_ns() + f->duration_ms * UINT64_C(1000000));
			break;
		default:
			if (f->whole)
				pthread_mutex_lock(&gate);
			hang(f, id);
			if (f->whole)
				pthread_mutex_unlock(&gate);
		}
	}
	return 0;
}
