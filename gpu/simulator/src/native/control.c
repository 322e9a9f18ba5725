/* What may be done to a machine from outside, one command a line:
 *
 *   at MS | wait MS                            sleep until MS milliseconds after the start, or for MS
 *   xid GPU CODE [pid=N] [name=S] [text=S]     an XID: NVML event and kernel log line
 *   storm GPU CODE rate=N seconds=S            N of them a second
 *   event GPU TYPE DATA                        any NVML event
 *   ecc GPU corrected|uncorrected COUNT        adds to both counters; an event each
 *   remap GPU [correctable=N] [uncorrectable=N] [pending=0|1] [failure=0|1]
 *   sram GPU [parity=N] [secded=N] [corrected=N] [threshold=0|1]
 *   recovery GPU ACTION                        NVML's number (0 to 5): field 230, XID 154, event
 *   lost GPU|all [on|off] | required GPU|all [on|off]    codes 15 and 16 of every call
 *   removed GPU [on|off]                       the board is not there for those who initialize from now on
 *   fail CODE | slow MS | hang MS|ever         [function=F|init] [gpu=N] [from=N] [times=N] [whole=1]; prints the fault's number
 *   mismatch [on|off]                          library and driver of different versions: code 18
 *   stuck-memory GPU BYTES                     memory in use without a process, until a reset
 *   stuck-process GPU PID BYTES                a process that never goes, until cleared
 *   set GPU KEY VALUE                          temperature, utilization, power (- follows the load), clocks, compute, persistence, limit, ecc, fabric, health, replays
 *   nvlink GPU LINK up|down|error [COUNT]
 *   reset GPU                                  as nvidia-smi does
 *   clear faults|fault N|ghosts|gpu N|all      gpu: its conditions, as if it had been reset and put back
 *   kmsg TEXT                                  a kernel log line */
#define _GNU_SOURCE
#include "simctl.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t started_ns;

/* ---- arguments ---- */

static const char *option(char **w, int count, const char *key) {
	size_t length = strlen(key);
	for (int i = 1; i < count; i++)
		if (strncmp(w[i], key, length) == 0 && w[i][length] == '=')
			return w[i] + length + 1;
	return NULL;
}

static bool number(const char *text, uint64_t *out) {
	if (text == NULL || *text == 0 || *text == '-')
		return false;
	char *end;
	errno = 0;
	*out = strtoull(text, &end, 0);
	return errno == 0 && *end == 0;
}

static bool number_option(char **w, int count, const char *key, uint64_t fallback, uint64_t *out) {
	const char *text = option(w, count, key);
	*out = fallback;
	return text == NULL || number(text, out);
}

static bool gpu_word(char **w, int count, int at, uint32_t *gpu) {
	uint64_t value;
	if (at >= count || !number(w[at], &value) || value >= sim->gpus)
		return false;
	*gpu = (uint32_t)value;
	return true;
}

/* on, off, or nothing, which is on; -1 for anything else. */
static int on_off(char **w, int count, int at) {
	if (at >= count || strcmp(w[at], "on") == 0)
		return 1;
	return strcmp(w[at], "off") == 0 ? 0 : -1;
}

/* ---- commands: each true when its words are understood ---- */

static void xid_now(uint32_t gpu, uint64_t code, uint64_t pid, const char *name, const char *text) {
	const struct sim_pci *pci = &sim->gpu[gpu].pci;
	char line[768];
	int length = snprintf(line, sizeof line, "NVRM: Xid (PCI:%04x:%02x:%02x): %llu, ", pci->domain, pci->bus, pci->device, (unsigned long long)code);
	if (pid != 0)
		length += snprintf(line + length, sizeof line - (size_t)length, "pid=%llu, name=%s, ", (unsigned long long)pid, name);
	else
		length += snprintf(line + length, sizeof line - (size_t)length, "pid='<unknown>', name=<unknown>, ");
	snprintf(line + length, sizeof line - (size_t)length, "%s", text);
	sim_lock();
	sim_event_publish(gpu, 0x8, code, (int32_t)pid);
	sim_kmsg(line);
	sim_unlock();
}

static bool xid(char **w, int count) {
	uint32_t gpu;
	uint64_t code, pid;
	if (count < 3 || !gpu_word(w, count, 1, &gpu) || !number(w[2], &code) || !number_option(w, count, "pid", 0, &pid))
		return false;
	const char *name = option(w, count, "name");
	const char *text = option(w, count, "text");
	xid_now(gpu, code, pid, name != NULL ? name : "simulated", text != NULL ? text : "Ch 00000008");
	return true;
}

static bool storm(char **w, int count) {
	uint32_t gpu;
	uint64_t code, rate;
	const char *seconds = option(w, count, "seconds");
	if (count < 5 || seconds == NULL || !gpu_word(w, count, 1, &gpu) || !number(w[2], &code) || !number_option(w, count, "rate", 0, &rate) || rate == 0 || rate > 1000000)
		return false;
	uint64_t first = sim_boot_ns();
	uint64_t many = (uint64_t)(strtod(seconds, NULL) * (double)rate);
	for (uint64_t i = 0; i < many; i++) {
		sim_sleep_until(first + i * UINT64_C(1000000000) / rate);
		xid_now(gpu, code, 0, "", "storm");
	}
	return true;
}

static bool event(char **w, int count) {
	uint32_t gpu;
	uint64_t type, data;
	if (count != 4 || !gpu_word(w, count, 1, &gpu) || !number(w[2], &type) || !number(w[3], &data))
		return false;
	sim_lock();
	sim_event_publish(gpu, type, data, 0);
	sim_unlock();
	return true;
}

static bool ecc(char **w, int count) {
	uint32_t gpu;
	uint64_t add;
	if (count != 4 || !gpu_word(w, count, 1, &gpu) || !number(w[3], &add))
		return false;
	uint32_t kind = strcmp(w[2], "uncorrected") == 0 ? 1 : 0;
	if (!kind && strcmp(w[2], "corrected") != 0)
		return false;
	struct sim_gpu *g = &sim->gpu[gpu];
	sim_lock();
	SIM_STORE(g->ecc_volatile[kind], g->ecc_volatile[kind] + add);
	SIM_STORE(g->ecc_aggregate[kind], g->ecc_aggregate[kind] + add);
	sim_event_publish(gpu, kind ? 0x2 : 0x1, add, 0);
	sim_unlock();
	if (kind)
		xid_now(gpu, 48, 0, "", "An uncorrectable double bit error (DBE) has been detected on GPU in the framebuffer");
	return true;
}

static bool remap(char **w, int count) {
	uint32_t gpu;
	uint64_t correctable, uncorrectable, pending, failure;
	if (count < 3 || !gpu_word(w, count, 1, &gpu))
		return false;
	struct sim_gpu *g = &sim->gpu[gpu];
	if (!number_option(w, count, "correctable", g->remap_correctable, &correctable) || !number_option(w, count, "uncorrectable", g->remap_uncorrectable, &uncorrectable) ||
	    !number_option(w, count, "pending", g->remap_pending, &pending) || !number_option(w, count, "failure", g->remap_failure, &failure))
		return false;
	bool recorded = pending && !g->remap_pending, failed = failure && !g->remap_failure;
	sim_lock();
	SIM_STORE(g->remap_correctable, (uint32_t)correctable);
	SIM_STORE(g->remap_uncorrectable, (uint32_t)uncorrectable);
	SIM_STORE(g->remap_pending, (uint32_t)pending);
	SIM_STORE(g->remap_failure, (uint32_t)failure);
	if (recorded || failed)
		sim_event_publish(gpu, failed ? 0x800 : 0x400, 0, 0);
	sim_unlock();
	if (recorded)
		xid_now(gpu, 63, 0, "", "Row Remapper: New row marked for remapping, reset gpu to activate.");
	if (failed)
		xid_now(gpu, 64, 0, "", "Row Remapper: Failed to remap a row.");
	return true;
}

static bool sram(char **w, int count) {
	uint32_t gpu;
	uint64_t parity, secded, corrected, threshold;
	if (count < 3 || !gpu_word(w, count, 1, &gpu))
		return false;
	struct sim_gpu *g = &sim->gpu[gpu];
	if (!number_option(w, count, "parity", 0, &parity) || !number_option(w, count, "secded", 0, &secded) || !number_option(w, count, "corrected", 0, &corrected) ||
	    !number_option(w, count, "threshold", g->sram_threshold, &threshold))
		return false;
	sim_lock();
	g->sram_parity += parity;
	g->sram_volatile_parity += parity;
	g->sram_secded += secded;
	g->sram_volatile_secded += secded;
	g->sram_corrected += corrected;
	g->sram_volatile_corrected += corrected;
	SIM_STORE(g->sram_threshold, (uint32_t)threshold);
	sim_unlock();
	return true;
}

static bool recovery(char **w, int count) {
	static const char *const words[] = {"None", "GPU Reset Required", "Node Reboot Required", "Drain P2P", "Drain and Reset", "Recover IMEX Domain"};
	uint32_t gpu;
	uint64_t action;
	if (count != 3 || !gpu_word(w, count, 1, &gpu) || !number(w[2], &action) || action > 5)
		return false;
	char text[128];
	snprintf(text, sizeof text, "GPU recovery action changed from 0x%x (%s) to 0x%llx (%s)", sim->gpu[gpu].recovery_action, words[sim->gpu[gpu].recovery_action], (unsigned long long)action, words[action]);
	sim_lock();
	SIM_STORE(sim->gpu[gpu].recovery_action, (uint32_t)action);
	sim_event_publish(gpu, 0x8000, action, 0);
	sim_unlock();
	xid_now(gpu, 154, 0, "", text);
	return true;
}

static bool condition(char **w, int count) {
	uint32_t first = 0;
	int on = on_off(w, count, 2);
	bool all = count > 1 && strcmp(w[1], "all") == 0;
	if (on < 0 || count < 2 || (!all && !gpu_word(w, count, 1, &first)))
		return false;
	for (uint32_t gpu = first; gpu < (all ? sim->gpus : first + 1); gpu++) {
		struct sim_gpu *g = &sim->gpu[gpu];
		sim_lock();
		if (strcmp(w[0], "lost") == 0)
			SIM_STORE(g->lost, (uint32_t)on);
		else if (strcmp(w[0], "removed") == 0) {
			if (g->removed != (uint32_t)on)
				sim_event_publish(gpu, SIM_SYSTEM_EVENT | (on ? 1 : 2), 0, 0);
			SIM_STORE(g->removed, (uint32_t)on);
		}
		else
			SIM_STORE(g->reset_required, (uint32_t)on);
		sim_unlock();
	}
	return true;
}

static bool fault(char **w, int count) {
	struct sim_fault made = {.gpu = -1};
	uint64_t value = 0, gpu, whole;
	bool ever = count > 1 && strcmp(w[1], "ever") == 0;
	if (count < 2 || (!ever && !number(w[1], &value)))
		return false;
	made.kind = strcmp(w[0], "fail") == 0 ? SIM_FAULT_RETURN : strcmp(w[0], "slow") == 0 ? SIM_FAULT_SLOW : SIM_FAULT_HANG;
	if ((ever && made.kind != SIM_FAULT_HANG) || !number_option(w, count, "gpu", UINT64_MAX, &gpu) || !number_option(w, count, "from", 1, &made.from) ||
	    !number_option(w, count, "times", 0, &made.times) || !number_option(w, count, "whole", 0, &whole))
		return false;
	if (gpu != UINT64_MAX) {
		if (gpu >= sim->gpus)
			return false;
		made.gpu = (int32_t)gpu;
	}
	const char *function = option(w, count, "function");
	snprintf(made.function, sizeof made.function, "%s", function != NULL ? function : "");
	made.code = (uint32_t)value;
	made.duration_ms = value;
	made.whole = whole != 0;
	made.until_ns = made.kind == SIM_FAULT_HANG && !ever ? sim_boot_ns() + value * UINT64_C(1000000) : 0;
	bool placed = false;
	sim_lock();
	for (uint32_t i = 0; i < SIM_FAULTS && !placed; i++) {
		struct sim_fault *f = &sim->fault[i];
		if (f->kind != SIM_FAULT_FREE)
			continue;
		uint32_t kind = made.kind;
		made.kind = SIM_FAULT_FREE;
		made.id = ++sim->fault_ids;
		*f = made;
		SIM_STORE(f->kind, kind);
		SIM_STORE(sim->faults_armed, sim->faults_armed + 1);
		placed = true;
	}
	sim_unlock();
	if (placed)
		printf("fault %u\n", made.id);
	return placed;
}

static bool mismatch(char **w, int count) {
	int on = on_off(w, count, 1);
	if (on >= 0)
		SIM_STORE(sim->mismatch, (uint32_t)on);
	return on >= 0;
}

static bool stuck_memory(char **w, int count) {
	uint32_t gpu;
	uint64_t bytes;
	if (count != 3 || !gpu_word(w, count, 1, &gpu) || !number(w[2], &bytes))
		return false;
	SIM_STORE(sim->gpu[gpu].stuck_bytes, bytes);
	return true;
}

static bool stuck_process(char **w, int count) {
	uint32_t gpu;
	uint64_t pid, bytes;
	if (count != 4 || !gpu_word(w, count, 1, &gpu) || !number(w[2], &pid) || pid == 0 || pid > INT32_MAX || !number(w[3], &bytes))
		return false;
	sim_lock();
	int slot = sim_slot_take(SIM_COMPUTE, "stuck");
	if (slot >= 0) {
		struct sim_slot *s = &sim->slot[slot];
		s->memory[gpu] = bytes;
		s->gpus = 1u << gpu;
		SIM_STORE(s->ghost_pid, (int32_t)pid);
	}
	sim_unlock();
	return slot >= 0;
}

static bool set(char **w, int count) {
	uint32_t gpu;
	uint64_t value = UINT32_MAX;
	if (count != 4 || !gpu_word(w, count, 1, &gpu) || (strcmp(w[3], "-") != 0 && !number(w[3], &value)))
		return false;
	struct sim_gpu *g = &sim->gpu[gpu];
	const struct {
		const char *key;
		uint32_t *at;
	} keys[] = {{"temperature", &g->forced_temperature}, {"utilization", &g->forced_utilization}, {"power", &g->forced_power_mw}, {"compute", &g->compute_mode},
		    {"persistence", &g->persistence}, {"limit", &g->power_limit_mw}, {"ecc", &g->ecc_pending}, {"fabric", &g->fabric_state}, {"health", &g->fabric_health},
		    {"channel-repair", &g->repair_channel}, {"tpc-repair", &g->repair_tpc}, {"inforom", &g->inforom_corrupted}};
	if (strcmp(w[2], "clocks") == 0) {
		SIM_STORE(g->clock_reasons, value);
		return true;
	}
	if (strcmp(w[2], "replays") == 0) {
		SIM_STORE(g->pcie_replays, value);
		return true;
	}
	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
		if (strcmp(keys[i].key, w[2]) == 0) {
			SIM_STORE(*keys[i].at, (uint32_t)value);
			return true;
		}
	return false;
}

static bool nvlink(char **w, int count) {
	uint32_t gpu;
	uint64_t link, many = 1;
	if (count < 4 || !gpu_word(w, count, 1, &gpu) || !number(w[2], &link) || link >= sim->gpu[gpu].links || (count > 4 && !number(w[4], &many)))
		return false;
	struct sim_link *l = &sim->gpu[gpu].link[link];
	if (strcmp(w[3], "error") == 0)
		__atomic_add_fetch(&l->errors[2], many, __ATOMIC_ACQ_REL);
	else if (strcmp(w[3], "up") == 0 || strcmp(w[3], "down") == 0)
		SIM_STORE(l->active, w[3][0] == 'u' ? 1u : 0u);
	else
		return false;
	return true;
}

static bool reset(char **w, int count) {
	uint32_t gpu;
	if (count != 2 || !gpu_word(w, count, 1, &gpu))
		return false;
	pid_t holder = 0;
	sim_lock();
	bool done = sim_reset(gpu, &holder);
	sim_unlock();
	if (!done)
		fprintf(stderr, "simctl: gpu %u is lost, or in use by process %d\n", gpu, (int)holder);
	return done;
}

static void clear_faults(uint64_t id) {
	for (uint32_t i = 0; i < SIM_FAULTS; i++)
		if (sim->fault[i].kind != SIM_FAULT_FREE && (id == 0 || sim->fault[i].id == id)) {
			SIM_STORE(sim->fault[i].kind, (uint32_t)SIM_FAULT_FREE);
			SIM_STORE(sim->faults_armed, sim->faults_armed - 1);
		}
}

static void clear_gpu(uint32_t gpu) {
	struct sim_gpu *g = &sim->gpu[gpu];
	sim_heal(gpu);
	g->lost = g->removed = 0;
	g->remap_failure = g->sram_threshold = g->inforom_corrupted = 0;
	g->forced_temperature = g->forced_utilization = g->forced_power_mw = UINT32_MAX;
}

static bool clear(char **w, int count) {
	const char *what = count > 1 ? w[1] : "";
	uint64_t id = 0;
	uint32_t gpu = 0;
	bool all = strcmp(what, "all") == 0;
	bool one = strcmp(what, "fault") == 0, board = strcmp(what, "gpu") == 0;
	if ((one && (count != 3 || !number(w[2], &id) || id == 0)) || (board && !gpu_word(w, count, 2, &gpu)))
		return false;
	if (!all && !one && !board && strcmp(what, "faults") != 0 && strcmp(what, "ghosts") != 0)
		return false;
	sim_lock();
	if (all || one || strcmp(what, "faults") == 0)
		clear_faults(id);
	if (all || strcmp(what, "ghosts") == 0)
		for (uint32_t i = 0; i < SIM_SLOTS; i++)
			if (sim->slot[i].ghost_pid != 0)
				SIM_STORE(sim->slot[i].used, 0u);
	for (uint32_t i = 0; i < sim->gpus; i++)
		if (all || (board && i == gpu))
			clear_gpu(i);
	if (all)
		SIM_STORE(sim->mismatch, 0u);
	sim_unlock();
	return true;
}

static bool log_line(char **w, int count) {
	if (count != 2)
		return false;
	sim_lock();
	sim_kmsg(w[1]);
	sim_unlock();
	return true;
}

static bool pause_for(char **w, int count) {
	uint64_t ms;
	if (count != 2 || !number(w[1], &ms))
		return false;
	fflush(stdout);
	sim_sleep_until((strcmp(w[0], "at") == 0 ? started_ns : sim_boot_ns()) + ms * UINT64_C(1000000));
	return true;
}

static const struct {
	const char *word;
	bool (*run)(char **w, int count);
} commands[] = {{"at", pause_for},	{"wait", pause_for},	{"xid", xid},		{"storm", storm},	{"event", event},	{"ecc", ecc},
		{"remap", remap},	{"sram", sram},		{"recovery", recovery}, {"lost", condition},	{"required", condition},
		{"removed", condition}, {"fail", fault},	{"slow", fault},	{"hang", fault},	{"mismatch", mismatch}, {"stuck-memory", stuck_memory},
		{"stuck-process", stuck_process}, {"set", set}, {"nvlink", nvlink},	{"reset", reset},	{"clear", clear},	{"kmsg", log_line}};

static int run_line(char **w, int count) {
	for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
		if (strcmp(commands[i].word, w[0]) == 0)
			return commands[i].run(w, count) ? 0 : 1;
	return 2;
}

int apply_commands(void) {
	if (!sim_writable()) {
		fprintf(stderr, "simctl: %s cannot be written\n", sim_path());
		return 1;
	}
	started_ns = sim_boot_ns();
	char *line = NULL;
	size_t room = 0;
	int at = 0, status = 0;
	while (status == 0 && getline(&line, &room, stdin) > 0) {
		char *words[32];
		int count = split_words(line, words, 32);
		at++;
		if (count == 0)
			continue;
		status = run_line(words, count);
		if (status == 1)
			fprintf(stderr, "simctl: line %d: \"%s\" cannot be done with these words on a machine of %u GPUs\n", at, words[0], sim->gpus);
		else if (status == 2)
			fprintf(stderr, "simctl: line %d: unknown command \"%s\"\n", at, words[0]);
		fflush(stdout);
	}
	free(line);
	return status;
}
