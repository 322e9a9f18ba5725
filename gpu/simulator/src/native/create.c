/* Makes the state of a machine from its description: lines of words on standard input, written by Java's Machine.
 *
 *   machine NAME | driver V | nvml V | cuda N | kmsg PATH
 *   gpu N KEY VALUE...        one fact; KEY as in struct sim_gpu, see the table below
 *   gpu N ancestor LEVEL...   one for each GPU
 *   gpu N link I TYPE DOMAIN BUS DEVICE
 *   gpu N profile ENUM ID SLICES INSTANCES SM CE DEC ENC JPEG OFA CAPABILITIES MEMORY_MIB SIZE START,START... NAME
 */
#define _GNU_SOURCE
#include "simctl.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NUMBER(field) {#field, offsetof(struct sim_gpu, field), sizeof(((struct sim_gpu *)0)->field), 0}
#define TEXT(field) {#field, offsetof(struct sim_gpu, field), sizeof(((struct sim_gpu *)0)->field), 1}

static const struct {
	const char *key;
	size_t offset, size;
	int text;
} facts[] = {
	TEXT(uuid), TEXT(name), TEXT(serial), TEXT(board_part), NUMBER(pci.domain), NUMBER(pci.bus), NUMBER(pci.device), NUMBER(pci_device_id), NUMBER(pci_subsystem_id), NUMBER(minor),
	NUMBER(brand), NUMBER(architecture), NUMBER(compute_major), NUMBER(compute_minor), NUMBER(numa_node), NUMBER(memory_bytes), NUMBER(reserved_bytes), NUMBER(baseline_bytes),
	NUMBER(bar1_bytes), NUMBER(power_idle_mw), NUMBER(power_min_mw), NUMBER(power_max_mw), NUMBER(power_default_mw), NUMBER(temperature_idle), NUMBER(temperature_busy),
	NUMBER(temperature_slowdown), NUMBER(temperature_shutdown), NUMBER(ecc_supported), NUMBER(mig_supported), NUMBER(fabric_supported), NUMBER(links), NUMBER(link_version),
	NUMBER(persistence),
};

static void store(void *at, size_t size, uint64_t value) {
	if (size == 4) {
		uint32_t word = (uint32_t)value;
		memcpy(at, &word, sizeof word);
	} else {
		memcpy(at, &value, sizeof value);
	}
}

/* "0-3,8" as a mask; -1 on anything else. */
static int cpu_mask(const char *list, uint64_t *mask) {
	while (*list != 0) {
		char *end;
		unsigned long first = strtoul(list, &end, 10), last = first;
		if (end == list)
			return -1;
		if (*end == '-') {
			list = end + 1;
			last = strtoul(list, &end, 10);
			if (end == list)
				return -1;
		}
		if (last >= SIM_CPU_WORDS * 64 || first > last)
			return -1;
		for (unsigned long cpu = first; cpu <= last; cpu++)
			mask[cpu / 64] |= UINT64_C(1) << cpu % 64;
		list = *end == ',' ? end + 1 : end;
		if (*end != ',' && *end != 0)
			return -1;
	}
	return 0;
}

static uint64_t word(char **words, int count, int at) {
	return at < count ? strtoull(words[at], NULL, 0) : 0;
}

static int profile_line(struct sim_gpu *g, char **w, int count) {
	uint64_t index = word(w, count, 0);
	if (count < 15 || index >= SIM_PROFILES)
		return -1;
	struct sim_mig_profile *p = &g->profiles[index];
	uint32_t *const fields[] = {&p->id, &p->slices, &p->instances, &p->sm, &p->copy_engines, &p->decoders, &p->encoders, &p->jpeg, &p->ofa, &p->capabilities};
	for (int i = 0; i < 10; i++)
		*fields[i] = (uint32_t)word(w, count, 1 + i);
	p->memory_mib = word(w, count, 11);
	p->size = (uint32_t)word(w, count, 12);
	for (char *at = w[13]; *at != 0 && p->placements < SIM_PLACEMENTS;) {
		char *end;
		p->start[p->placements++] = (uint32_t)strtoul(at, &end, 10);
		if (end == at)
			return -1;
		at = *end == ',' ? end + 1 : end;
	}
	snprintf(p->name, sizeof p->name, "%s", w[14]);
	p->used = 1;
	return 0;
}

static int gpu_line(struct sim_state *state, char **w, int count) {
	uint64_t n = word(w, count, 1);
	if (count < 4 || n >= SIM_GPUS)
		return -1;
	struct sim_gpu *g = &state->gpu[n];
	const char *key = w[2];
	if (n >= state->gpus)
		state->gpus = (uint32_t)n + 1;
	if (strcmp(key, "cpus") == 0)
		return cpu_mask(w[3], g->cpus);
	if (strcmp(key, "profile") == 0)
		return profile_line(g, w + 3, count - 3);
	if (strcmp(key, "ancestor") == 0) {
		for (int i = 3; i < count && i < 3 + (int)SIM_GPUS; i++)
			g->ancestor[i - 3] = (int32_t)strtol(w[i], NULL, 0);
		return 0;
	}
	if (strcmp(key, "clocks_idle") == 0 || strcmp(key, "clocks_max") == 0) {
		uint32_t *clocks = key[7] == 'i' ? g->clock_idle_mhz : g->clock_max_mhz;
		for (int i = 0; i < 4; i++)
			clocks[i] = (uint32_t)word(w, count, 3 + i);
		return count == 7 ? 0 : -1;
	}
	if (strcmp(key, "link") == 0) {
		uint64_t i = word(w, count, 3);
		if (count != 8 || i >= SIM_LINKS)
			return -1;
		g->link[i] = (struct sim_link){.active = 1, .remote_type = (uint32_t)word(w, count, 4)};
		g->link[i].remote = (struct sim_pci){(uint32_t)word(w, count, 5), (uint32_t)word(w, count, 6), (uint32_t)word(w, count, 7)};
		return 0;
	}
	for (size_t i = 0; i < sizeof facts / sizeof *facts; i++)
		if (strcmp(facts[i].key, key) == 0) {
			void *at = (char *)g + facts[i].offset;
			if (!facts[i].text)
				store(at, facts[i].size, (uint64_t)strtoll(w[3], NULL, 0));
			else if ((size_t)snprintf(at, facts[i].size, "%s", w[3]) >= facts[i].size)
				return -1;
			return 0;
		}
	return -1;
}

static int line_of(struct sim_state *state, char **w, int count) {
	struct {
		const char *key;
		char *at;
		size_t size;
	} texts[] = {{"machine", state->machine, sizeof state->machine}, {"driver", state->driver, sizeof state->driver}, {"nvml", state->nvml, sizeof state->nvml}, {"kmsg", state->kmsg, sizeof state->kmsg}};
	if (strcmp(w[0], "gpu") == 0)
		return gpu_line(state, w, count);
	if (count != 2)
		return -1;
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		if (strcmp(w[0], texts[i].key) == 0)
			return (size_t)snprintf(texts[i].at, texts[i].size, "%s", w[1]) < texts[i].size ? 0 : -1;
	if (strcmp(w[0], "cuda") != 0)
		return -1;
	state->cuda = (int32_t)strtol(w[1], NULL, 0);
	return 0;
}

/* What follows from the facts. */
static void settle(struct sim_state *state) {
	for (uint32_t i = 0; i < state->gpus; i++) {
		struct sim_gpu *g = &state->gpu[i];
		g->power_limit_mw = g->power_default_mw;
		g->ecc_current = g->ecc_pending = g->ecc_supported;
		g->remap_histogram[0] = 640;
		g->forced_temperature = g->forced_utilization = g->forced_power_mw = UINT32_MAX;
		g->energy_at_ns = state->made_ns;
		g->fabric_state = g->fabric_supported ? 3 : 0;
	}
}

int create_state(const char *path) {
	/* In zeroed static memory: it is too large for a stack, and made once. */
	static struct sim_state state;
	char *line = NULL;
	size_t room = 0;
	int number = 0;
	while (getline(&line, &room, stdin) > 0) {
		char *words[64];
		int count = split_words(line, words, 64);
		number++;
		if (count > 0 && line_of(&state, words, count) != 0) {
			fprintf(stderr, "simctl: create: line %d is not understood: %s ...\n", number, words[0]);
			free(line);
			return 2;
		}
	}
	free(line);
	state.magic = SIM_MAGIC;
	state.layout = SIM_LAYOUT;
	state.size = sizeof state;
	state.made_ns = sim_boot_ns();
	settle(&state);
	char temporary[4096];
	snprintf(temporary, sizeof temporary, "%s.new", path);
	int fd = open(temporary, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (fd < 0) {
		fprintf(stderr, "simctl: create %s: %s\n", temporary, strerror(errno));
		return 1;
	}
	/* Whatever the umask: tasks of any user are clients. */
	int failed = fchmod(fd, 0666);
	for (size_t at = 0; !failed && at < sizeof state;) {
		ssize_t wrote = write(fd, (char *)&state + at, sizeof state - at);
		if (wrote < 0 && errno != EINTR)
			failed = 1;
		at += wrote > 0 ? (size_t)wrote : 0;
	}
	if (!failed)
		failed = rename(temporary, path);
	if (failed) {
		fprintf(stderr, "simctl: create %s: %s\n", path, strerror(errno));
		unlink(temporary);
	}
	close(fd);
	return failed ? 1 : 0;
}
