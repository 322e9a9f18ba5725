/* The state as "key value" lines, for Java and for people. */
#define _GNU_SOURCE
#include "simctl.h"

#include <stdio.h>

static void show_gpu(uint32_t gpu) {
	struct sim_gpu *g = &sim->gpu[gpu];
	sim_lock();
	uint64_t used = sim_used_bytes(gpu);
	uint32_t load = sim_load(gpu);
	sim_unlock();
	printf("gpu.%u.uuid %s\n", gpu, g->uuid);
	printf("gpu.%u.minor %u\n", gpu, g->minor);
	printf("gpu.%u.used %llu\n", gpu, (unsigned long long)used);
	printf("gpu.%u.utilization %u\n", gpu, load);
	printf("gpu.%u.lost %u\n", gpu, g->lost);
	printf("gpu.%u.required %u\n", gpu, g->reset_required);
	printf("gpu.%u.removed %u\n", gpu, g->removed);
	printf("gpu.%u.recovery %u\n", gpu, g->recovery_action);
	printf("gpu.%u.pending %u\n", gpu, g->remap_pending);
	printf("gpu.%u.failure %u\n", gpu, g->remap_failure);
	printf("gpu.%u.threshold %u\n", gpu, g->sram_threshold);
	printf("gpu.%u.stuck %llu\n", gpu, (unsigned long long)g->stuck_bytes);
	printf("gpu.%u.compute %u\n", gpu, g->compute_mode);
	printf("gpu.%u.persistence %u\n", gpu, g->persistence);
	printf("gpu.%u.resets %llu\n", gpu, (unsigned long long)g->resets);
	printf("gpu.%u.attached %d\n", gpu, sim_other_client(gpu) >= 0);
}

int show_state(void) {
	printf("machine %s\n", sim->machine);
	printf("driver %s\n", sim->driver);
	printf("gpus %u\n", sim->gpus);
	printf("mismatch %u\n", sim->mismatch);
	printf("events %llu\n", (unsigned long long)sim->events_made);
	for (uint32_t gpu = 0; gpu < sim->gpus; gpu++)
		show_gpu(gpu);
	for (uint32_t i = 0; i < SIM_SLOTS; i++) {
		sim_lock();
		pid_t pid = sim_slot_pid(i);
		sim_unlock();
		for (uint32_t gpu = 0; gpu < sim->gpus && pid >= 0; gpu++)
			if (sim->slot[i].gpus >> gpu & 1)
				printf("process %d %u %llu %s\n", (int)pid, gpu, (unsigned long long)sim->slot[i].memory[gpu], sim->slot[i].name);
	}
	for (uint32_t i = 0; i < SIM_FAULTS; i++)
		if (sim->fault[i].kind != SIM_FAULT_FREE)
			printf("fault %u %u %llu %llu %s\n", sim->fault[i].id, sim->fault[i].kind, (unsigned long long)sim->fault[i].calls, (unsigned long long)sim->fault[i].hits,
			       sim->fault[i].function[0] != 0 ? sim->fault[i].function : "*");
	return 0;
}
