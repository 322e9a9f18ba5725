/* How devices are joined, and what is near them. */
#define _GNU_SOURCE
#include "library.h"

#include <string.h>

EXPORT nvml_result nvmlDeviceGetTopologyCommonAncestor(nvml_device device, nvml_device other, int *level) {
	ENTER_FACT(device);
	NEED(level);
	int peer = library_gpu(other);
	if (peer < 0)
		return NVML_INVALID_ARGUMENT;
	*level = g->ancestor[peer];
	return NVML_SUCCESS;
}

EXPORT nvml_result nvmlDeviceGetTopologyNearestGpus(nvml_device device, int level, u32 *count, nvml_device *out) {
	ENTER_FACT(device);
	NEED(count);
	uint32_t seen[SIM_GPUS];
	uint32_t all = library_visible(seen);
	u32 found = 0;
	for (uint32_t i = 0; i < all; i++)
		if (seen[i] != gpu && g->ancestor[seen[i]] <= level) {
			if (out != NULL && found < *count)
				out[found] = library_handle(seen[i]);
			found++;
		}
	u32 room = out != NULL ? *count : found;
	*count = found;
	return found > room ? NVML_INSUFFICIENT_SIZE : NVML_SUCCESS;
}

static u32 links_between(uint32_t a, uint32_t b) {
	const struct sim_gpu *from = &sim->gpu[a];
	const struct sim_pci *to = &sim->gpu[b].pci;
	u32 found = 0, switched = 0;
	for (u32 i = 0; i < from->links; i++) {
		const struct sim_link *l = &from->link[i];
		if (!SIM_LOAD(l->active))
			continue;
		if (l->remote_type == 2)
			switched++;
		else if (memcmp(&l->remote, to, sizeof *to) == 0)
			found++;
	}
	return found + (sim->gpu[b].links > 0 ? switched : 0);
}

/* Status 0 works, 3 not with this topology, 5 not supported. Kinds: read, write, NVLink, atomics, PCI. */
EXPORT nvml_result nvmlDeviceGetP2PStatus(nvml_device device, nvml_device other, int kind, int *status) {
	ENTER_FACT(device);
	NEED(status);
	int peer = library_gpu(other);
	if (peer < 0 || kind < 0 || kind > 4)
		return NVML_INVALID_ARGUMENT;
	int joined = (uint32_t)peer != gpu && links_between(gpu, (uint32_t)peer) > 0;
	int near = g->ancestor[peer] <= 40 && (uint32_t)peer != gpu;
	if (kind == 2 || kind == 3)
		*status = joined ? 0 : 5;
	else if (kind == 4)
		*status = near ? 0 : 3;
	else
		*status = joined || near ? 0 : 3;
	return NVML_SUCCESS;
}

/* ---- NVLink ---- */

static nvml_result link_of(struct sim_gpu *g, u32 link, struct sim_link **out) {
	if (link >= SIM_LINKS)
		return NVML_INVALID_ARGUMENT;
	if (link >= g->links)
		return NVML_NOT_SUPPORTED;
	*out = &g->link[link];
	return NVML_SUCCESS;
}

#define NEED_LINK(link)                                                                                                                                                        \
	struct sim_link *l = NULL;                                                                                                                                                 \
	do {                                                                                                                                                                       \
		nvml_result linked = link_of(g, link, &l);                                                                                                                             \
		if (linked != NVML_SUCCESS)                                                                                                                                            \
			return linked;                                                                                                                                                     \
	} while (0)

EXPORT nvml_result nvmlDeviceGetNvLinkState(nvml_device device, u32 link, int *active) {
	ENTER(device);
	NEED(active);
	NEED_LINK(link);
	*active = (int)SIM_LOAD(l->active);
	return NVML_SUCCESS;
}

EXPORT nvml_result nvmlDeviceGetNvLinkRemoteDeviceType(nvml_device device, u32 link, int *type) {
	ENTER(device);
	NEED(type);
	NEED_LINK(link);
	*type = (int)l->remote_type;
	return NVML_SUCCESS;
}

EXPORT nvml_result nvmlDeviceGetNvLinkRemotePciInfo_v2(nvml_device device, u32 link, nvml_pci_info *pci) {
	ENTER(device);
	NEED(pci);
	NEED_LINK(link);
	memset(pci, 0, sizeof *pci);
	library_pci_text(&l->remote, 4, pci->bus_id_legacy, sizeof pci->bus_id_legacy);
	library_pci_text(&l->remote, 8, pci->bus_id, sizeof pci->bus_id);
	pci->domain = l->remote.domain;
	pci->bus = l->remote.bus;
	pci->device = l->remote.device;
	pci->pci_device_id = l->remote_type == 2 ? 0x22a310deu : g->pci_device_id;
	return NVML_SUCCESS;
}

/* NVML counts generations as 1.0, 2.0, 2.2, 3.0, 3.1, 4.0, 5.0 from 1 on. */
EXPORT nvml_result nvmlDeviceGetNvLinkVersion(nvml_device device, u32 link, u32 *version) {
	static const u32 numbers[] = {0, 1, 2, 4, 6, 7};
	ENTER(device);
	NEED(version);
	NEED_LINK(link);
	*version = g->link_version < sizeof numbers / sizeof *numbers ? numbers[g->link_version] : 0;
	return NVML_SUCCESS;
}

EXPORT nvml_result nvmlDeviceGetNvLinkCapability(nvml_device device, u32 link, int capability, u32 *has) {
	ENTER(device);
	NEED(has);
	NEED_LINK(link);
	if (capability < 0 || capability > 5)
		return NVML_INVALID_ARGUMENT;
	*has = capability != 4;
	return NVML_SUCCESS;
}

EXPORT nvml_result nvmlDeviceGetNvLinkErrorCounter(nvml_device device, u32 link, int counter, u64 *value) {
	ENTER(device);
	NEED(value);
	NEED_LINK(link);
	if (counter < 0 || counter > 4)
		return NVML_INVALID_ARGUMENT;
	*value = SIM_LOAD(l->errors[counter]);
	return NVML_SUCCESS;
}

EXPORT nvml_result nvmlDeviceResetNvLinkErrorCounters(nvml_device device, u32 link) {
	ENTER(device);
	NEED_ROOT();
	NEED_LINK(link);
	for (int i = 0; i < 5; i++)
		SIM_STORE(l->errors[i], 0);
	return NVML_SUCCESS;
}

/* ---- CPUs and memory ---- */

static nvml_result cpus(const struct sim_gpu *g, u32 words, unsigned long *out) {
	if (out == NULL || words == 0)
		return NVML_INVALID_ARGUMENT;
	uint64_t any = 0;
	for (u32 i = 0; i < SIM_CPU_WORDS; i++)
		any |= g->cpus[i];
	if (any == 0)
		return NVML_NOT_SUPPORTED;
	for (u32 i = 0; i < words; i++)
		out[i] = i < SIM_CPU_WORDS ? g->cpus[i] : 0;
	return NVML_SUCCESS;
}

EXPORT nvml_result nvmlDeviceGetCpuAffinity(nvml_device device, u32 words, unsigned long *out) {
	ENTER_FACT(device);
	return cpus(g, words, out);
}

EXPORT nvml_result nvmlDeviceGetCpuAffinityWithinScope(nvml_device device, u32 words, unsigned long *out, int scope) {
	ENTER_FACT(device);
	if (scope != 0 && scope != 1)
		return NVML_INVALID_ARGUMENT;
	return cpus(g, words, out);
}

EXPORT nvml_result nvmlDeviceGetMemoryAffinity(nvml_device device, u32 words, unsigned long *out, int scope) {
	ENTER_FACT(device);
	if (out == NULL || words == 0 || (scope != 0 && scope != 1))
		return NVML_INVALID_ARGUMENT;
	if (g->numa_node < 0)
		return NVML_NOT_SUPPORTED;
	if ((u32)g->numa_node >= words * 64)
		return NVML_INVALID_ARGUMENT;
	memset(out, 0, words * sizeof *out);
	out[g->numa_node / 64] = 1ul << g->numa_node % 64;
	return NVML_SUCCESS;
}

EXPORT nvml_result nvmlDeviceGetNumaNodeId(nvml_device device, u32 *node) {
	ENTER_FACT(device);
	NEED(node);
	if (g->numa_node < 0)
		return NVML_NOT_SUPPORTED;
	*node = (u32)g->numa_node;
	return NVML_SUCCESS;
}

/* ---- fabric ---- */

EXPORT nvml_result nvmlDeviceGetGpuFabricInfoV(nvml_device device, nvml_fabric_v3 *info) {
	ENTER(device);
	NEED(info);
	int third = info->version == NVML_VERSION_WORD(nvml_fabric_v3, 3);
	if (!third && info->version != NVML_VERSION_WORD(nvml_fabric_v2, 2))
		return NVML_ARGUMENT_VERSION_MISMATCH;
	/* The two agree up to the mask. */
	memset(info->cluster, 0, sizeof info->cluster);
	info->status = (nvml_result)SIM_LOAD(g->fabric_status);
	info->clique = 0;
	info->state = (unsigned char)SIM_LOAD(g->fabric_state);
	info->health = SIM_LOAD(g->fabric_health);
	if (third)
		info->summary = !g->fabric_supported ? 0 : info->health == 0 ? 1 : 2;
	return NVML_SUCCESS;
}
