/* Initialization, handles, the system. */
#define _GNU_SOURCE
#include "library.h"

#include <ctype.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Handles are addresses of cells, one row per initialization, so that one of an earlier initialization is told from a valid one instead of naming some GPU. */
#define CYCLES 64u
static char cells[CYCLES][SIM_GPUS];

static pthread_mutex_t life = PTHREAD_MUTEX_INITIALIZER;
static unsigned initialized; /* how often, less the shutdowns */
static unsigned cycle;
static uint32_t visible[SIM_GPUS];
static uint32_t visible_count;
static uint32_t attached; /* bit mask */
static unsigned no_attach;

static int before(const struct sim_pci *a, const struct sim_pci *b) {
	if (a->domain != b->domain)
		return a->domain < b->domain;
	return a->bus != b->bus ? a->bus < b->bus : a->device < b->device;
}

static void look(void) {
	visible_count = 0;
	for (uint32_t gpu = 0; gpu < sim->gpus; gpu++) {
		if (!sim_visible(gpu))
			continue;
		uint32_t at = visible_count++;
		for (; at > 0 && before(&sim->gpu[gpu].pci, &sim->gpu[visible[at - 1]].pci); at--)
			visible[at] = visible[at - 1];
		visible[at] = gpu;
	}
}

/* With no driver open at first use, what was set without persistence is gone. */
static void attach(uint32_t gpu) {
	struct sim_gpu *g = &sim->gpu[gpu];
	sim_lock();
	if (sim_writable() && !g->persistence && sim_other_client(gpu) < 0) {
		bool used = false;
		for (uint32_t slot = 0; slot < SIM_SLOTS && !used; slot++)
			used = (sim->slot[slot].gpus >> gpu & 1) && sim_slot_pid(slot) >= 0;
		if (!used) {
			g->compute_mode = 0;
			g->power_limit_mw = g->power_default_mw;
		}
	}
	sim_attach(gpu);
	attached |= 1u << gpu;
	sim_unlock();
}

static nvml_result initialize(const char *function, unsigned flags) {
	if (initialized > 0) {
		initialized++;
		return NVML_SUCCESS;
	}
	int opened = sim_open();
	if (opened != 0)
		return opened == -EACCES || opened == -EPERM ? NVML_NO_PERMISSION : NVML_DRIVER_NOT_LOADED;
	int fault = sim_fault(function, -1);
	if (fault != 0)
		return fault;
	if (SIM_LOAD(sim->mismatch))
		return NVML_LIB_RM_VERSION_MISMATCH;
	int control = sim_control_errno();
	if (control != 0)
		return control == ENOENT ? NVML_DRIVER_NOT_LOADED : NVML_UNKNOWN;
	look();
	if (visible_count == 0 && (flags & 1) == 0 && sim->gpus > 0 && sim_is_host())
		return NVML_DRIVER_NOT_LOADED;
	no_attach = flags & 2;
	if (!no_attach)
		for (uint32_t i = 0; i < visible_count; i++)
			attach(visible[i]);
	cycle = (cycle + 1) % CYCLES;
	initialized = 1;
	return NVML_SUCCESS;
}

/* The lock is not held over a hang in the first call: but nothing else works before it is through, as with the real one. */
EXPORT nvml_result nvmlInit_v2(void) {
	pthread_mutex_lock(&life);
	nvml_result result = initialize(__func__, 0);
	pthread_mutex_unlock(&life);
	return result;
}

EXPORT nvml_result nvmlInitWithFlags(u32 flags) {
	pthread_mutex_lock(&life);
	nvml_result result = initialize(__func__, flags);
	pthread_mutex_unlock(&life);
	return result;
}

EXPORT nvml_result nvmlShutdown(void) {
	pthread_mutex_lock(&life);
	nvml_result result = initialized > 0 ? NVML_SUCCESS : NVML_UNINITIALIZED;
	int fault = initialized > 0 ? sim_fault(__func__, -1) : 0;
	if (fault != 0)
		result = fault;
	if (result == NVML_SUCCESS && --initialized == 0)
		library_detach_all();
	pthread_mutex_unlock(&life);
	return result;
}

nvml_result library_detach_all(void) {
	for (uint32_t gpu = 0; gpu < SIM_GPUS; gpu++)
		if (attached >> gpu & 1)
			sim_detach(gpu);
	attached = 0;
	return NVML_SUCCESS;
}

void library_attach_on_use(uint32_t gpu) {
	if (no_attach && (attached >> gpu & 1) == 0)
		attach(gpu);
}

EXPORT const char *nvmlErrorString(int result) {
	static const char *const words[] = {
		"Success", "Uninitialized", "Invalid Argument", "Not Supported", "Insufficient Permissions", "Already Initialized", "Not Found", "Insufficient Size",
		"Insufficient External Power", "Driver Not Loaded", "Timeout", "Interrupt Request Issue", "NVML Shared Library Not Found", "Function Not Found", "Corrupted infoROM",
		"GPU is lost", "GPU requires reset", "GPU access blocked by the operating system", "Driver/library version mismatch", "In use by another client", "Insufficient Memory",
		"No data", "vGPU ECC Not Supported", "Insufficient Resources", "Frequency Not Supported",
		"Argument Version Mismatch", "Deprecated", "Not Ready", "GPU Not Found", "Invalid State", "Reset Type Not Supported"};
	return result >= 0 && (size_t)result < sizeof words / sizeof *words ? words[result] : "Unknown Error";
}

/* ---- entering ---- */

int library_gpu(nvml_device device) {
	uintptr_t first = (uintptr_t)cells[cycle];
	uintptr_t at = (uintptr_t)device;
	return at >= first && at < first + sim->gpus ? (int)(at - first) : -1;
}

nvml_device library_handle(uint32_t gpu) {
	return (nvml_device)(void *)&cells[cycle][gpu];
}

uint32_t library_visible(uint32_t *out) {
	memcpy(out, visible, sizeof visible);
	return visible_count;
}

uint32_t library_index(uint32_t gpu) {
	for (uint32_t i = 0; i < visible_count; i++)
		if (visible[i] == gpu)
			return i;
	return UINT32_MAX;
}

nvml_result library_enter(const char *function, int gpu, int fact) {
	if (SIM_LOAD(initialized) == 0)
		return NVML_UNINITIALIZED;
	int fault = sim_fault(function, gpu);
	if (fault != 0)
		return fault;
	if (SIM_LOAD(sim->mismatch))
		return NVML_LIB_RM_VERSION_MISMATCH;
	if (gpu >= 0 && (SIM_LOAD(sim->gpu[gpu].lost) || SIM_LOAD(sim->gpu[gpu].removed)))
		return NVML_GPU_IS_LOST;
	if (gpu >= 0 && !fact && SIM_LOAD(sim->gpu[gpu].reset_required))
		return NVML_RESET_REQUIRED;
	return NVML_SUCCESS;
}

nvml_result library_enter_device(const char *function, nvml_device device, int fact, uint32_t *gpu) {
	if (SIM_LOAD(initialized) == 0)
		return NVML_UNINITIALIZED;
	int found = library_gpu(device);
	if (found < 0)
		return NVML_INVALID_ARGUMENT;
	*gpu = (uint32_t)found;
	return library_enter(function, found, fact);
}

int library_root(void) {
	return geteuid() == 0 && sim_writable();
}

nvml_result library_text(const char *text, char *out, u32 size) {
	size_t length = strlen(text);
	if (out == NULL)
		return NVML_INVALID_ARGUMENT;
	if (length >= size)
		return NVML_INSUFFICIENT_SIZE;
	memcpy(out, text, length + 1);
	return NVML_SUCCESS;
}

void library_pci_text(const struct sim_pci *pci, int domain_digits, char *out, size_t size) {
	snprintf(out, size, "%0*X:%02X:%02X.0", domain_digits, pci->domain, pci->bus & 0xff, pci->device & 0xff);
}

/* ---- the system ---- */

EXPORT nvml_result nvmlSystemGetDriverVersion(char *version, u32 length) {
	ENTER_SYSTEM();
	return library_text(sim->driver, version, length);
}

EXPORT nvml_result nvmlSystemGetNVMLVersion(char *version, u32 length) {
	ENTER_SYSTEM();
	return library_text(sim->nvml, version, length);
}

EXPORT nvml_result nvmlSystemGetCudaDriverVersion_v2(int *version) {
	ENTER_SYSTEM();
	NEED(version);
	*version = sim->cuda;
	return NVML_SUCCESS;
}

EXPORT nvml_result nvmlSystemGetCudaDriverVersion(int *version) {
	ENTER_SYSTEM();
	NEED(version);
	*version = sim->cuda;
	return NVML_SUCCESS;
}

EXPORT nvml_result nvmlSystemGetProcessName(u32 pid, char *name, u32 length) {
	ENTER_SYSTEM();
	NEED(name);
	if (length == 0)
		return NVML_INVALID_ARGUMENT;
	nvml_result result = NVML_NOT_FOUND;
	sim_lock();
	for (uint32_t i = 0; i < SIM_SLOTS && result == NVML_NOT_FOUND; i++)
		if (sim_slot_pid(i) == (pid_t)pid && pid != 0) {
			/* What does not fit is cut, as the documentation of the real one says. */
			snprintf(name, length, "%s", sim->slot[i].name);
			result = NVML_SUCCESS;
		}
	sim_unlock();
	return result;
}

/* ---- handles ---- */

EXPORT nvml_result nvmlDeviceGetCount_v2(u32 *count) {
	ENTER_SYSTEM();
	NEED(count);
	*count = visible_count;
	return NVML_SUCCESS;
}

static nvml_result hand_out(const char *function, uint32_t gpu, nvml_device *device) {
	nvml_result entered = library_enter(function, (int)gpu, 1);
	if (entered == NVML_SUCCESS) {
		library_attach_on_use(gpu);
		*device = library_handle(gpu);
	}
	return entered;
}

EXPORT nvml_result nvmlDeviceGetHandleByIndex_v2(u32 index, nvml_device *device) {
	if (SIM_LOAD(initialized) == 0)
		return NVML_UNINITIALIZED;
	NEED(device);
	if (index >= visible_count)
		return NVML_INVALID_ARGUMENT;
	return hand_out(__func__, visible[index], device);
}

EXPORT nvml_result nvmlDeviceGetHandleByUUID(const char *uuid, nvml_device *device) {
	if (SIM_LOAD(initialized) == 0)
		return NVML_UNINITIALIZED;
	NEED(uuid);
	NEED(device);
	for (uint32_t i = 0; i < visible_count; i++)
		if (strcmp(sim->gpu[visible[i]].uuid, uuid) == 0)
			return hand_out(__func__, visible[i], device);
	return NVML_NOT_FOUND;
}

EXPORT nvml_result nvmlDeviceGetHandleBySerial(const char *serial, nvml_device *device) {
	if (SIM_LOAD(initialized) == 0)
		return NVML_UNINITIALIZED;
	NEED(serial);
	NEED(device);
	for (uint32_t i = 0; i < visible_count; i++)
		if (strcmp(sim->gpu[visible[i]].serial, serial) == 0)
			return hand_out(__func__, visible[i], device);
	return NVML_NOT_FOUND;
}

EXPORT nvml_result nvmlDeviceGetHandleByPciBusId_v2(const char *text, nvml_device *device) {
	if (SIM_LOAD(initialized) == 0)
		return NVML_UNINITIALIZED;
	NEED(text);
	NEED(device);
	unsigned domain = 0, bus = 0, slot = 0;
	int end = 0;
	if (sscanf(text, "%8x:%2x:%2x%n", &domain, &bus, &slot, &end) != 3) {
		domain = 0;
		if (sscanf(text, "%2x:%2x%n", &bus, &slot, &end) != 2)
			return NVML_INVALID_ARGUMENT;
	}
	if (text[end] != 0 && strcmp(text + end, ".0") != 0)
		return text[end] == '.' ? NVML_NOT_FOUND : NVML_INVALID_ARGUMENT;
	for (uint32_t i = 0; i < visible_count; i++) {
		const struct sim_pci *pci = &sim->gpu[visible[i]].pci;
		if (pci->domain == domain && pci->bus == bus && pci->device == slot)
			return hand_out(__func__, visible[i], device);
	}
	return NVML_NOT_FOUND;
}
