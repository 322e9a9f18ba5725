/* What the simulated hardware says of itself: figures that follow from who uses it, events, the kernel log, and reset. */
#define _GNU_SOURCE
#include "client.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

uint64_t sim_used_bytes(uint32_t gpu) {
	const struct sim_gpu *g = &sim->gpu[gpu];
	uint64_t used = g->baseline_bytes + g->stuck_bytes;
	for (uint32_t i = 0; i < SIM_SLOTS; i++)
		if (sim->slot[i].memory[gpu] != 0 && sim_slot_pid(i) >= 0)
			used += sim->slot[i].memory[gpu];
	uint64_t most = g->memory_bytes - g->reserved_bytes;
	return used < most ? used : most;
}

uint32_t sim_load(uint32_t gpu) {
	uint32_t forced = SIM_LOAD(sim->gpu[gpu].forced_utilization);
	if (forced != UINT32_MAX)
		return forced;
	uint32_t load = 0;
	for (uint32_t i = 0; i < SIM_SLOTS; i++)
		if ((sim->slot[i].gpus >> gpu & 1) && sim->slot[i].ghost_pid == 0 && sim_slot_pid(i) >= 0)
			load += sim->slot[i].utilization;
	return load < 100 ? load : 100;
}

uint32_t sim_power_mw(uint32_t gpu) {
	const struct sim_gpu *g = &sim->gpu[gpu];
	if (g->forced_power_mw != UINT32_MAX)
		return g->forced_power_mw;
	return g->power_idle_mw + (uint32_t)((uint64_t)(g->power_limit_mw - g->power_idle_mw) * sim_load(gpu) / 100);
}

uint32_t sim_temperature(uint32_t gpu) {
	const struct sim_gpu *g = &sim->gpu[gpu];
	if (g->forced_temperature != UINT32_MAX)
		return g->forced_temperature;
	return g->temperature_idle + (g->temperature_busy - g->temperature_idle) * sim_load(gpu) / 100;
}

uint64_t sim_energy_mj(uint32_t gpu) {
	struct sim_gpu *g = &sim->gpu[gpu];
	sim_lock();
	uint64_t now = sim_boot_ns();
	/* Nanoseconds times milliwatts is picojoules. A client that cannot write adds to the last sum without keeping it. */
	uint64_t energy = g->energy_mj + (uint64_t)((__extension__(unsigned __int128)(now - g->energy_at_ns) * sim_power_mw(gpu)) / UINT64_C(1000000000));
	if (sim_writable() && energy != g->energy_mj) {
		SIM_STORE(g->energy_at_ns, now);
		SIM_STORE(g->energy_mj, energy);
	}
	sim_unlock();
	return energy;
}

void sim_event_publish(uint32_t gpu, uint64_t type, uint64_t data, int32_t pid) {
	uint64_t number = sim->events_made + 1;
	struct sim_event *e = &sim->event[number % SIM_EVENTS];
	SIM_STORE(e->number, 0);
	e->type = type;
	e->data = data;
	e->time_us = sim_real_us();
	e->gpu = gpu;
	e->pid = pid;
	SIM_STORE(e->number, number);
	SIM_STORE(sim->events_made, number);
	__atomic_add_fetch(&sim->event_word, 1, __ATOMIC_ACQ_REL);
	syscall(SYS_futex, &sim->event_word, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

void sim_kmsg(const char *text) {
	if (sim->kmsg[0] == 0)
		return;
	char line[1024];
	/* Priority 3 (error) of facility 0 (the kernel), as the driver's lines have. */
	int length = snprintf(line, sizeof line, "3,%llu,%llu,-;%s\n", (unsigned long long)sim->kmsg_made, (unsigned long long)(sim_boot_ns() / 1000), text);
	if (length <= 0 || (size_t)length >= sizeof line)
		return;
	sim->kmsg_made++;
	/* For read and write: a pipe without a reader opens too, and a full one loses the record as the kernel's log would. */
	int fd = open(sim->kmsg, O_RDWR | O_APPEND | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return;
	ssize_t ignored = write(fd, line, (size_t)length);
	(void)ignored;
	close(fd);
}

/* Volatile counters and conditions go; what is recorded in the board (aggregate counts, remapped rows, a failed remap, the SRAM threshold) stays. */
void sim_heal(uint32_t gpu) {
	struct sim_gpu *g = &sim->gpu[gpu];
	g->stuck_bytes = 0;
	g->reset_required = 0;
	g->recovery_action = 0;
	if (g->remap_pending) {
		g->remap_pending = 0;
		g->remap_uncorrectable++;
		if (g->remap_histogram[0] > 0) {
			g->remap_histogram[0]--;
			g->remap_histogram[1]++;
		}
	}
	memset(g->ecc_volatile, 0, sizeof g->ecc_volatile);
	g->sram_volatile_parity = g->sram_volatile_secded = g->sram_volatile_corrected = 0;
	g->repair_channel = g->repair_tpc = 0;
	g->ecc_current = g->ecc_pending;
	g->mig_current = g->mig_pending;
	g->compute_mode = 0;
	g->power_limit_mw = g->power_default_mw;
	g->clock_reasons = 0;
	for (uint32_t i = 0; i < g->links; i++) {
		g->link[i].active = 1;
		memset(g->link[i].errors, 0, sizeof g->link[i].errors);
	}
}

bool sim_reset(uint32_t gpu, pid_t *holder) {
	struct sim_gpu *g = &sim->gpu[gpu];
	*holder = 0;
	if (g->lost || g->removed)
		return false;
	for (uint32_t i = 0; i < SIM_SLOTS; i++) {
		const struct sim_slot *s = &sim->slot[i];
		if ((s->gpus >> gpu & 1) == 0)
			continue;
		/* A ghost is a process that the driver never lets go of: it stands against a reset as a real one does. */
		*holder = sim_slot_pid(i);
		if (*holder >= 0)
			return false;
	}
	*holder = sim_other_client(gpu);
	if (*holder >= 0)
		return false;
	sim_heal(gpu);
	g->resets++;
	return true;
}
