/* Events: a set remembers up to which number of the state's ring it has given out; waiting is a futex on the state's event word. */
#define _GNU_SOURCE
#include "library.h"

#include <errno.h>
#include <linux/futex.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define SET_MAGIC 0x53455431u
#define SYSTEM_MAGIC 0x53455432u

struct nvml_event_set {
	u32 magic;
	u64 given; /* number of the last event looked at */
	u64 mask[SIM_GPUS];
	u64 from[SIM_GPUS]; /* only later ones: made after the registration */
};

struct nvml_system_event_set {
	u32 magic;
	u64 given, types;
};

static u64 supported(const struct sim_gpu *g) {
	u64 types = 0x1 | 0x2 | 0x4 | 0x8 | 0x10 | 0x80 | 0x200 | 0x400 | 0x800 | 0x1000 | 0x2000 | 0x4000 | 0x8000;
	return g->mig_supported ? types | 0x100 : types;
}

EXPORT nvml_result nvmlEventSetCreate(nvml_event_set *set) {
	ENTER_SYSTEM();
	NEED(set);
	nvml_event_set made = calloc(1, sizeof *made);
	if (made == NULL)
		return NVML_MEMORY;
	made->magic = SET_MAGIC;
	made->given = SIM_LOAD(sim->events_made);
	*set = made;
	return NVML_SUCCESS;
}

EXPORT nvml_result nvmlEventSetFree(nvml_event_set set) {
	ENTER_SYSTEM();
	if (set == NULL || set->magic != SET_MAGIC)
		return NVML_INVALID_ARGUMENT;
	set->magic = 0;
	free(set);
	return NVML_SUCCESS;
}

EXPORT nvml_result nvmlDeviceGetSupportedEventTypes(nvml_device device, u64 *types) {
	ENTER(device);
	NEED(types);
	*types = supported(g);
	return NVML_SUCCESS;
}

EXPORT nvml_result nvmlDeviceRegisterEvents(nvml_device device, u64 types, nvml_event_set set) {
	ENTER(device);
	if (set == NULL || set->magic != SET_MAGIC)
		return NVML_INVALID_ARGUMENT;
	if ((types & ~supported(g)) != 0)
		return NVML_NOT_SUPPORTED;
	if (set->mask[gpu] == 0)
		set->from[gpu] = SIM_LOAD(sim->events_made);
	set->mask[gpu] |= types;
	return NVML_SUCCESS;
}

/* The event of this number; false when the ring has gone over it. */
static int read_event(u64 number, struct sim_event *out) {
	const struct sim_event *e = &sim->event[number % SIM_EVENTS];
	if (SIM_LOAD(e->number) != number)
		return 0;
	out->type = SIM_LOAD(e->type);
	out->data = SIM_LOAD(e->data);
	out->gpu = SIM_LOAD(e->gpu);
	out->pid = SIM_LOAD(e->pid);
	return SIM_LOAD(e->number) == number;
}

/* The next event after `*given` that `wanted` takes: its GPU, or -1 when there is none yet. */
static int next_event(u64 *given, int (*wanted)(const void *set, u64 number, const struct sim_event *e), const void *set, struct sim_event *out) {
	u64 made = SIM_LOAD(sim->events_made);
	if (made > SIM_EVENTS && *given < made - SIM_EVENTS)
		*given = made - SIM_EVENTS;
	while (*given < made) {
		u64 number = ++*given;
		if (read_event(number, out) && out->gpu < sim->gpus && wanted(set, number, out))
			return (int)out->gpu;
	}
	return -1;
}

/* Until `event_word` is no longer `seen`, or the deadline; 0 at the deadline. */
static int await_change(uint32_t seen, uint64_t deadline_ns) {
	uint64_t now = sim_boot_ns();
	if (now >= deadline_ns)
		return 0;
	uint64_t left = deadline_ns - now;
	/* At most so long at a time: a version mismatch or a fault that begins meanwhile is to be seen. */
	if (left > UINT64_C(200000000))
		left = UINT64_C(200000000);
	struct timespec limit = {.tv_sec = (time_t)(left / UINT64_C(1000000000)), .tv_nsec = (long)(left % UINT64_C(1000000000))};
	syscall(SYS_futex, &sim->event_word, FUTEX_WAIT, seen, &limit, NULL, 0);
	return 1;
}

static int wanted_device(const void *of, u64 number, const struct sim_event *e) {
	const struct nvml_event_set *set = of;
	return (e->type & set->mask[e->gpu]) != 0 && number > set->from[e->gpu];
}

static nvml_result wait_device(nvml_event_set set, nvml_event_data *data, u32 timeout_ms) {
	uint64_t deadline = sim_boot_ns() + (uint64_t)timeout_ms * UINT64_C(1000000);
	for (;;) {
		struct sim_event e;
		uint32_t seen = SIM_LOAD(sim->event_word);
		int gpu = next_event(&set->given, wanted_device, set, &e);
		if (gpu >= 0) {
			*data = (nvml_event_data){.device = library_handle((uint32_t)gpu), .type = e.type, .data = e.data, .gpu_instance = NVML_NO_INSTANCE, .compute_instance = NVML_NO_INSTANCE};
			return NVML_SUCCESS;
		}
		if (SIM_LOAD(sim->mismatch))
			return NVML_LIB_RM_VERSION_MISMATCH;
		if (!await_change(seen, deadline))
			return NVML_TIMEOUT;
	}
}

EXPORT nvml_result nvmlEventSetWait_v2(nvml_event_set set, nvml_event_data *data, u32 timeout_ms) {
	ENTER_SYSTEM();
	NEED(data);
	if (set == NULL || set->magic != SET_MAGIC)
		return NVML_INVALID_ARGUMENT;
	return wait_device(set, data, timeout_ms);
}

/* ---- boards that come and go: types 1 unbind, 2 bind, in the ring above SIM_SYSTEM_EVENT ---- */

EXPORT nvml_result nvmlSystemEventSetCreate(nvml_system_event_set_request *request) {
	ENTER_SYSTEM();
	NEED(request);
	NEED_VERSION(request, nvml_system_event_set_request, 1);
	nvml_system_event_set made = calloc(1, sizeof *made);
	if (made == NULL)
		return NVML_MEMORY;
	made->magic = SYSTEM_MAGIC;
	made->given = SIM_LOAD(sim->events_made);
	request->set = made;
	return NVML_SUCCESS;
}

EXPORT nvml_result nvmlSystemEventSetFree(nvml_system_event_set_request *request) {
	ENTER_SYSTEM();
	NEED(request);
	NEED_VERSION(request, nvml_system_event_set_request, 1);
	if (request->set == NULL || request->set->magic != SYSTEM_MAGIC)
		return NVML_INVALID_ARGUMENT;
	request->set->magic = 0;
	free(request->set);
	request->set = NULL;
	return NVML_SUCCESS;
}

EXPORT nvml_result nvmlSystemRegisterEvents(nvml_system_event_register *request) {
	ENTER_SYSTEM();
	NEED(request);
	NEED_VERSION(request, nvml_system_event_register, 1);
	if (request->set == NULL || request->set->magic != SYSTEM_MAGIC)
		return NVML_INVALID_ARGUMENT;
	if ((request->types & ~UINT64_C(3)) != 0)
		return NVML_NOT_SUPPORTED;
	request->set->types |= request->types;
	return NVML_SUCCESS;
}

static int wanted_system(const void *of, u64 number, const struct sim_event *e) {
	const struct nvml_system_event_set *set = of;
	(void)number;
	return (e->type & SIM_SYSTEM_EVENT) != 0 && (e->type & set->types & ~SIM_SYSTEM_EVENT) != 0;
}

EXPORT nvml_result nvmlSystemEventSetWait(nvml_system_event_wait *request) {
	ENTER_SYSTEM();
	NEED(request);
	NEED_VERSION(request, nvml_system_event_wait, 1);
	if (request->set == NULL || request->set->magic != SYSTEM_MAGIC || request->data == NULL || request->size == 0)
		return NVML_INVALID_ARGUMENT;
	uint64_t deadline = sim_boot_ns() + (uint64_t)request->timeout_ms * UINT64_C(1000000);
	request->count = 0;
	for (;;) {
		struct sim_event e;
		uint32_t seen = SIM_LOAD(sim->event_word);
		while (request->count < request->size && next_event(&request->set->given, wanted_system, request->set, &e) >= 0) {
			const struct sim_pci *pci = &sim->gpu[e.gpu].pci;
			request->data[request->count++] = (nvml_system_event){.type = e.type & ~SIM_SYSTEM_EVENT, .gpu = pci->domain << 16 | pci->bus << 8 | pci->device};
		}
		if (request->count > 0)
			return NVML_SUCCESS;
		if (!await_change(seen, deadline))
			return NVML_TIMEOUT;
	}
}
