/* Who uses a device. Processes without a pid in the caller's namespace are counted in the memory, but not listed. */
#define _GNU_SOURCE
#include "library.h"

#include <string.h>

/* Calls `each` for every listed process of the GPU with one of the types in the mask; their count. Under sim_lock. */
static u32 list(uint32_t gpu, u32 types, void (*each)(void *to, u32 at, uint32_t slot, pid_t pid), void *to) {
	u32 found = 0;
	for (uint32_t i = 0; i < SIM_SLOTS; i++) {
		const struct sim_slot *s = &sim->slot[i];
		if ((s->gpus >> gpu & 1) == 0 || (types >> s->type & 1) == 0)
			continue;
		pid_t pid = sim_slot_pid(i);
		if (pid > 0)
			each(to, found++, i, pid);
	}
	return found;
}

struct target {
	void *out;
	u32 room;
	uint32_t gpu;
};

static void put_v1(void *to, u32 at, uint32_t slot, pid_t pid) {
	struct target *t = to;
	if (at < t->room)
		((nvml_process_v1 *)t->out)[at] = (nvml_process_v1){.pid = (u32)pid, .used = sim->slot[slot].memory[t->gpu]};
}

static void put_v3(void *to, u32 at, uint32_t slot, pid_t pid) {
	struct target *t = to;
	if (at < t->room)
		((nvml_process *)t->out)[at] =
			(nvml_process){.pid = (u32)pid, .used = sim->slot[slot].memory[t->gpu], .gpu_instance = NVML_NO_INSTANCE, .compute_instance = NVML_NO_INSTANCE};
}

static void put_detail(void *to, u32 at, uint32_t slot, pid_t pid) {
	struct target *t = to;
	if (at < t->room)
		((nvml_process_detail *)t->out)[at] = (nvml_process_detail){
			.pid = (u32)pid, .used = sim->slot[slot].memory[t->gpu], .gpu_instance = NVML_NO_INSTANCE, .compute_instance = NVML_NO_INSTANCE, .protected_bytes = NVML_NOT_AVAILABLE};
}

/* `count` is the room on the way in and the number of processes on the way out, whether they fit or not. */
static nvml_result running(uint32_t gpu, u32 types, u32 *count, void *out, void (*put)(void *, u32, uint32_t, pid_t)) {
	NEED(count);
	struct target to = {.out = out, .room = out != NULL ? *count : 0, .gpu = gpu};
	if (out == NULL && *count != 0)
		return NVML_INVALID_ARGUMENT;
	sim_lock();
	u32 found = list(gpu, types, put, &to);
	sim_unlock();
	*count = found;
	return found > to.room ? NVML_INSUFFICIENT_SIZE : NVML_SUCCESS;
}

#define RUNNING(kind, bit)                                                                                                                                                     \
	EXPORT nvml_result nvmlDeviceGet##kind##RunningProcesses(nvml_device device, u32 *count, nvml_process_v1 *out) {                                                           \
		ENTER(device);                                                                                                                                                         \
		return running(gpu, 1u << bit, count, out, put_v1);                                                                                                                    \
	}                                                                                                                                                                          \
	EXPORT nvml_result nvmlDeviceGet##kind##RunningProcesses_v2(nvml_device device, u32 *count, nvml_process *out) {                                                           \
		ENTER(device);                                                                                                                                                         \
		return running(gpu, 1u << bit, count, out, put_v3);                                                                                                                    \
	}                                                                                                                                                                          \
	EXPORT nvml_result nvmlDeviceGet##kind##RunningProcesses_v3(nvml_device device, u32 *count, nvml_process *out) {                                                           \
		ENTER(device);                                                                                                                                                         \
		return running(gpu, 1u << bit, count, out, put_v3);                                                                                                                    \
	}

RUNNING(Compute, SIM_COMPUTE)
RUNNING(Graphics, SIM_GRAPHICS)
RUNNING(MPSCompute, SIM_MPS)

EXPORT nvml_result nvmlDeviceGetRunningProcessDetailList(nvml_device device, nvml_process_detail_list *detail) {
	ENTER(device);
	NEED(detail);
	NEED_VERSION(detail, nvml_process_detail_list, 1);
	if (detail->mode > 2)
		return NVML_INVALID_ARGUMENT;
	return running(gpu, 1u << detail->mode, &detail->count, detail->processes, put_detail);
}

/* ---- utilization ---- */

struct samples {
	void *out;
	u32 room;
	uint32_t gpu;
	u64 now_us;
};

static u32 memory_percent(uint32_t gpu, uint32_t slot) {
	return (u32)(sim->slot[slot].memory[gpu] * 100 / sim->gpu[gpu].memory_bytes);
}

static void put_sample(void *to, u32 at, uint32_t slot, pid_t pid) {
	struct samples *t = to;
	if (at < t->room)
		((nvml_process_sample *)t->out)[at] =
			(nvml_process_sample){.pid = (u32)pid, .time_us = t->now_us, .sm = sim->slot[slot].utilization, .memory = memory_percent(t->gpu, slot)};
}

static void put_utilization(void *to, u32 at, uint32_t slot, pid_t pid) {
	struct samples *t = to;
	if (at < t->room)
		((nvml_process_utilization *)t->out)[at] =
			(nvml_process_utilization){.time_us = t->now_us, .pid = (u32)pid, .sm = sim->slot[slot].utilization, .memory = memory_percent(t->gpu, slot)};
}

static nvml_result sample(uint32_t gpu, void *out, u32 *count, u64 since_us, void (*put)(void *, u32, uint32_t, pid_t)) {
	struct samples to = {.out = out, .room = out != NULL ? *count : 0, .gpu = gpu, .now_us = sim_real_us()};
	sim_lock();
	u32 found = list(gpu, 7, put, &to);
	sim_unlock();
	*count = found;
	if (found == 0 || to.now_us <= since_us)
		return NVML_NOT_FOUND;
	return found > to.room ? NVML_INSUFFICIENT_SIZE : NVML_SUCCESS;
}

EXPORT nvml_result nvmlDeviceGetProcessUtilization(nvml_device device, nvml_process_sample *out, u32 *count, u64 since_us) {
	ENTER(device);
	NEED(count);
	return sample(gpu, out, count, since_us, put_sample);
}

EXPORT nvml_result nvmlDeviceGetProcessesUtilizationInfo(nvml_device device, nvml_processes_utilization *info) {
	ENTER(device);
	NEED(info);
	NEED_VERSION(info, nvml_processes_utilization, 1);
	return sample(gpu, info->samples, &info->count, info->since_us, put_utilization);
}

/* ---- accounting: of the processes that live; the ring of dead ones is not simulated ---- */

EXPORT nvml_result nvmlDeviceGetAccountingMode(nvml_device device, u32 *mode) {
	ENTER(device);
	NEED(mode);
	*mode = SIM_LOAD(g->accounting);
	return NVML_SUCCESS;
}

EXPORT nvml_result nvmlDeviceSetAccountingMode(nvml_device device, u32 mode) {
	ENTER(device);
	NEED_ROOT();
	if (mode > 1)
		return NVML_INVALID_ARGUMENT;
	SIM_STORE(g->accounting, mode);
	return NVML_SUCCESS;
}

EXPORT nvml_result nvmlDeviceGetAccountingBufferSize(nvml_device device, u32 *size) {
	ENTER(device);
	NEED(size);
	*size = SIM_SLOTS;
	return NVML_SUCCESS;
}

static void put_pid(void *to, u32 at, uint32_t slot, pid_t pid) {
	struct target *t = to;
	(void)slot;
	if (at < t->room)
		((u32 *)t->out)[at] = (u32)pid;
}

EXPORT nvml_result nvmlDeviceGetAccountingPids(nvml_device device, u32 *count, u32 *pids) {
	ENTER(device);
	NEED(count);
	if (!SIM_LOAD(g->accounting)) {
		*count = 0;
		return NVML_SUCCESS;
	}
	return running(gpu, 7, count, pids, put_pid);
}

struct search {
	u32 pid;
	uint32_t slot;
	int found;
};

static void match(void *to, u32 at, uint32_t slot, pid_t pid) {
	struct search *s = to;
	(void)at;
	if ((u32)pid == s->pid) {
		s->slot = slot;
		s->found = 1;
	}
}

EXPORT nvml_result nvmlDeviceGetAccountingStats(nvml_device device, u32 pid, nvml_accounting *stats) {
	ENTER(device);
	NEED(stats);
	if (!SIM_LOAD(g->accounting))
		return NVML_NOT_SUPPORTED;
	struct search look = {.pid = pid};
	sim_lock();
	list(gpu, 7, match, &look);
	if (look.found) {
		const struct sim_slot *s = &sim->slot[look.slot];
		memset(stats, 0, sizeof *stats);
		stats->gpu = s->utilization;
		stats->memory = memory_percent(gpu, look.slot);
		stats->max_memory = s->peak[gpu];
		stats->start_us = s->start_us;
		stats->time_ms = (sim_real_us() - s->start_us) / 1000;
		stats->running = 1;
	}
	sim_unlock();
	return look.found ? NVML_SUCCESS : NVML_NOT_FOUND;
}

EXPORT nvml_result nvmlDeviceClearAccountingPids(nvml_device device) {
	ENTER(device);
	NEED_ROOT();
	return NVML_SUCCESS;
}
