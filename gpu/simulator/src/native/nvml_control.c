/* What root may change: modes, limits, and the presence of a board. */
#define _GNU_SOURCE
#include "library.h"

EXPORT nvml_result nvmlDeviceGetPersistenceMode(nvml_device device, int *mode) {
	ENTER(device);
	NEED(mode);
	*mode = (int)SIM_LOAD(g->persistence);
	return NVML_SUCCESS;
}

EXPORT nvml_result nvmlDeviceSetPersistenceMode(nvml_device device, int mode) {
	ENTER(device);
	NEED_ROOT();
	if (mode != 0 && mode != 1)
		return NVML_INVALID_ARGUMENT;
	SIM_STORE(g->persistence, (uint32_t)mode);
	return NVML_SUCCESS;
}

EXPORT nvml_result nvmlDeviceGetComputeMode(nvml_device device, int *mode) {
	ENTER(device);
	NEED(mode);
	*mode = (int)SIM_LOAD(g->compute_mode);
	return NVML_SUCCESS;
}

EXPORT nvml_result nvmlDeviceSetComputeMode(nvml_device device, int mode) {
	ENTER(device);
	NEED_ROOT();
	if (mode < 0 || mode > 3)
		return NVML_INVALID_ARGUMENT;
	/* Exclusive thread: gone since CUDA 8. */
	if (mode == 1)
		return NVML_NOT_SUPPORTED;
	SIM_STORE(g->compute_mode, (uint32_t)mode);
	return NVML_SUCCESS;
}

EXPORT nvml_result nvmlDeviceGetPowerManagementLimit(nvml_device device, u32 *milliwatts) {
	ENTER(device);
	NEED(milliwatts);
	*milliwatts = SIM_LOAD(g->power_limit_mw);
	return NVML_SUCCESS;
}

EXPORT nvml_result nvmlDeviceGetEnforcedPowerLimit(nvml_device device, u32 *milliwatts) {
	ENTER(device);
	NEED(milliwatts);
	*milliwatts = SIM_LOAD(g->power_limit_mw);
	return NVML_SUCCESS;
}

EXPORT nvml_result nvmlDeviceGetPowerManagementDefaultLimit(nvml_device device, u32 *milliwatts) {
	ENTER(device);
	NEED(milliwatts);
	*milliwatts = g->power_default_mw;
	return NVML_SUCCESS;
}

EXPORT nvml_result nvmlDeviceGetPowerManagementLimitConstraints(nvml_device device, u32 *least, u32 *most) {
	ENTER(device);
	NEED(least);
	NEED(most);
	*least = g->power_min_mw;
	*most = g->power_max_mw;
	return NVML_SUCCESS;
}

EXPORT nvml_result nvmlDeviceSetPowerManagementLimit(nvml_device device, u32 milliwatts) {
	ENTER(device);
	NEED_ROOT();
	if (milliwatts < g->power_min_mw || milliwatts > g->power_max_mw)
		return NVML_INVALID_ARGUMENT;
	SIM_STORE(g->power_limit_mw, milliwatts);
	return NVML_SUCCESS;
}

/* ---- by PCI address: for boards that are to go, or are not there ---- */

static int by_pci(const nvml_pci_info *pci) {
	for (uint32_t i = 0; i < sim->gpus; i++) {
		const struct sim_pci *p = &sim->gpu[i].pci;
		if (p->domain == pci->domain && p->bus == pci->bus && p->device == pci->device)
			return (int)i;
	}
	return -1;
}

#define ENTER_PCI(pci)                                                                                                                                                         \
	ENTER_SYSTEM();                                                                                                                                                            \
	NEED(pci);                                                                                                                                                                 \
	int at = by_pci(pci);                                                                                                                                                      \
	if (at < 0)                                                                                                                                                                \
		return NVML_INVALID_ARGUMENT;                                                                                                                                          \
	struct sim_gpu *g = &sim->gpu[at]

EXPORT nvml_result nvmlDeviceModifyDrainState(nvml_pci_info *pci, int draining) {
	ENTER_PCI(pci);
	NEED_ROOT();
	if (draining != 0 && draining != 1)
		return NVML_INVALID_ARGUMENT;
	SIM_STORE(g->drain, (uint32_t)draining);
	return NVML_SUCCESS;
}

EXPORT nvml_result nvmlDeviceQueryDrainState(nvml_pci_info *pci, int *draining) {
	ENTER_PCI(pci);
	NEED(draining);
	*draining = (int)SIM_LOAD(g->drain);
	return NVML_SUCCESS;
}

EXPORT nvml_result nvmlDeviceRemoveGpu_v2(nvml_pci_info *pci, int gpu_state, int link_state) {
	ENTER_PCI(pci);
	NEED_ROOT();
	if ((gpu_state != 0 && gpu_state != 1) || (link_state != 0 && link_state != 1))
		return NVML_INVALID_ARGUMENT;
	sim_lock();
	int used = !g->drain || sim_other_client((uint32_t)at) >= 0;
	for (uint32_t i = 0; i < SIM_SLOTS && !used; i++)
		used = (sim->slot[i].gpus >> at & 1) && sim_slot_pid(i) >= 0;
	if (!used) {
		SIM_STORE(g->removed, 1u);
		sim_event_publish((uint32_t)at, SIM_SYSTEM_EVENT | 1, 0, 0);
	}
	sim_unlock();
	return used ? NVML_IN_USE : NVML_SUCCESS;
}

EXPORT nvml_result nvmlDeviceDiscoverGpus(nvml_pci_info *pci) {
	ENTER_PCI(pci);
	NEED_ROOT();
	sim_lock();
	if (g->removed) {
		SIM_STORE(g->removed, 0u);
		SIM_STORE(g->drain, 0u);
		sim_event_publish((uint32_t)at, SIM_SYSTEM_EVENT | 2, 0, 0);
	}
	sim_unlock();
	return NVML_SUCCESS;
}

/* ---- confidential computing: these hosts have none, so work may always be submitted ---- */

EXPORT nvml_result nvmlSystemGetConfComputeState(nvml_conf_compute *state) {
	ENTER_SYSTEM();
	NEED(state);
	*state = (nvml_conf_compute){0, 0, 0};
	return NVML_SUCCESS;
}

EXPORT nvml_result nvmlSystemGetConfComputeGpusReadyState(u32 *ready) {
	ENTER_SYSTEM();
	NEED(ready);
	*ready = 1;
	return NVML_SUCCESS;
}
