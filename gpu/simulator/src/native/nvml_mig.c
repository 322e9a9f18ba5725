/* Multi-instance GPUs: what a board that can, with MIG off, answers. Profiles and placements are told, so that a planner can be written against them; nothing can be created. */
#define _GNU_SOURCE
#include "library.h"

#include <stdio.h>
#include <string.h>

#define NEED_MIG()                                                                                                                                                             \
	do {                                                                                                                                                                       \
		if (!g->mig_supported)                                                                                                                                                 \
			return NVML_NOT_SUPPORTED;                                                                                                                                         \
	} while (0)

EXPORT nvml_result nvmlDeviceGetMigMode(nvml_device device, u32 *current, u32 *pending) {
	ENTER(device);
	NEED(current);
	NEED(pending);
	NEED_MIG();
	*current = SIM_LOAD(g->mig_current);
	*pending = SIM_LOAD(g->mig_pending);
	return NVML_SUCCESS;
}

EXPORT nvml_result nvmlDeviceSetMigMode(nvml_device device, u32 mode, nvml_result *activation) {
	ENTER(device);
	NEED(activation);
	if (mode > 1)
		return NVML_INVALID_ARGUMENT;
	NEED_ROOT();
	NEED_MIG();
	*activation = mode == 0 ? NVML_SUCCESS : NVML_NOT_SUPPORTED;
	return *activation;
}

EXPORT nvml_result nvmlDeviceGetMaxMigDeviceCount(nvml_device device, u32 *count) {
	ENTER(device);
	NEED(count);
	*count = 0;
	return NVML_SUCCESS;
}

EXPORT nvml_result nvmlDeviceGetMigDeviceHandleByIndex(nvml_device device, u32 index, nvml_device *out) {
	ENTER(device);
	NEED(out);
	(void)index;
	return NVML_NOT_FOUND;
}

EXPORT nvml_result nvmlDeviceIsMigDeviceHandle(nvml_device device, u32 *is) {
	ENTER_FACT(device);
	NEED(is);
	*is = 0;
	return NVML_SUCCESS;
}

EXPORT nvml_result nvmlDeviceGetGpuInstanceId(nvml_device device, u32 *id) {
	ENTER(device);
	NEED(id);
	return NVML_NOT_SUPPORTED;
}

EXPORT nvml_result nvmlDeviceGetComputeInstanceId(nvml_device device, u32 *id) {
	ENTER(device);
	NEED(id);
	return NVML_NOT_SUPPORTED;
}

EXPORT nvml_result nvmlDeviceGetDeviceHandleFromMigDeviceHandle(nvml_device device, nvml_device *out) {
	ENTER(device);
	NEED(out);
	return NVML_INVALID_ARGUMENT;
}

EXPORT nvml_result nvmlDeviceGetAttributes_v2(nvml_device device, nvml_attributes *out) {
	ENTER(device);
	NEED(out);
	return NVML_NOT_SUPPORTED;
}

/* ---- profiles ---- */

static const struct sim_mig_profile *by_enum(const struct sim_gpu *g, u32 profile) {
	return profile < SIM_PROFILES && g->profiles[profile].used ? &g->profiles[profile] : NULL;
}

static const struct sim_mig_profile *by_id(const struct sim_gpu *g, u32 id) {
	for (u32 i = 0; i < SIM_PROFILES; i++)
		if (g->profiles[i].used && g->profiles[i].id == id)
			return &g->profiles[i];
	return NULL;
}

static nvml_result fill(const struct sim_mig_profile *p, void *out) {
	u32 version = *(u32 *)out;
	if (version == NVML_VERSION_WORD(nvml_gi_profile_v2, 2)) {
		nvml_gi_profile_v2 *info = out;
		*info = (nvml_gi_profile_v2){.version = version, .id = p->id, .p2p = p->capabilities & 1, .slices = p->slices, .instances = p->instances, .sm = p->sm,
					     .copy_engines = p->copy_engines, .decoders = p->decoders, .encoders = p->encoders, .jpeg = p->jpeg, .ofa = p->ofa, .memory_mib = p->memory_mib};
		snprintf(info->name, sizeof info->name, "%s", p->name);
		return NVML_SUCCESS;
	}
	if (version == NVML_VERSION_WORD(nvml_gi_profile_v3, 3)) {
		nvml_gi_profile_v3 *info = out;
		*info = (nvml_gi_profile_v3){.version = version, .id = p->id, .slices = p->slices, .instances = p->instances, .sm = p->sm, .copy_engines = p->copy_engines,
					     .decoders = p->decoders, .encoders = p->encoders, .jpeg = p->jpeg, .ofa = p->ofa, .memory_mib = p->memory_mib, .capabilities = p->capabilities};
		snprintf(info->name, sizeof info->name, "%s", p->name);
		return NVML_SUCCESS;
	}
	return NVML_ARGUMENT_VERSION_MISMATCH;
}

EXPORT nvml_result nvmlDeviceGetGpuInstanceProfileInfo(nvml_device device, u32 profile, nvml_gi_profile *info) {
	ENTER(device);
	NEED(info);
	NEED_MIG();
	if (profile >= SIM_PROFILES)
		return NVML_INVALID_ARGUMENT;
	const struct sim_mig_profile *p = by_enum(g, profile);
	if (p == NULL)
		return NVML_NOT_SUPPORTED;
	*info = (nvml_gi_profile){.id = p->id, .p2p = p->capabilities & 1, .slices = p->slices, .instances = p->instances, .sm = p->sm, .copy_engines = p->copy_engines,
				  .decoders = p->decoders, .encoders = p->encoders, .jpeg = p->jpeg, .ofa = p->ofa, .memory_mib = p->memory_mib};
	return NVML_SUCCESS;
}

EXPORT nvml_result nvmlDeviceGetGpuInstanceProfileInfoV(nvml_device device, u32 profile, void *info) {
	ENTER(device);
	NEED(info);
	NEED_MIG();
	if (profile >= SIM_PROFILES)
		return NVML_INVALID_ARGUMENT;
	const struct sim_mig_profile *p = by_enum(g, profile);
	return p == NULL ? NVML_NOT_SUPPORTED : fill(p, info);
}

EXPORT nvml_result nvmlDeviceGetGpuInstanceProfileInfoByIdV(nvml_device device, u32 id, void *info) {
	ENTER(device);
	NEED(info);
	NEED_MIG();
	const struct sim_mig_profile *p = by_id(g, id);
	return p == NULL ? NVML_NOT_SUPPORTED : fill(p, info);
}

EXPORT nvml_result nvmlDeviceGetGpuInstancePossiblePlacements_v2(nvml_device device, u32 id, nvml_placement *placements, u32 *count) {
	ENTER(device);
	NEED(count);
	NEED_MIG();
	const struct sim_mig_profile *p = by_id(g, id);
	if (p == NULL)
		return NVML_NOT_SUPPORTED;
	u32 room = *count;
	*count = p->placements;
	if (placements == NULL)
		return NVML_SUCCESS;
	if (room < p->placements)
		return NVML_INSUFFICIENT_SIZE;
	for (u32 i = 0; i < p->placements; i++)
		placements[i] = (nvml_placement){.start = p->start[i], .size = p->size};
	return NVML_SUCCESS;
}

/* ---- instances: none, and MIG is off ---- */

EXPORT nvml_result nvmlDeviceGetGpuInstanceRemainingCapacity(nvml_device device, u32 id, u32 *count) {
	ENTER(device);
	NEED(count);
	(void)id;
	return NVML_NOT_SUPPORTED;
}

EXPORT nvml_result nvmlDeviceCreateGpuInstance(nvml_device device, u32 id, nvml_gpu_instance *out) {
	ENTER(device);
	NEED(out);
	(void)id;
	return NVML_NOT_SUPPORTED;
}

EXPORT nvml_result nvmlDeviceCreateGpuInstanceWithPlacement(nvml_device device, u32 id, const nvml_placement *placement, nvml_gpu_instance *out) {
	ENTER(device);
	NEED(placement);
	NEED(out);
	(void)id;
	return NVML_NOT_SUPPORTED;
}

EXPORT nvml_result nvmlDeviceGetGpuInstances(nvml_device device, u32 id, nvml_gpu_instance *out, u32 *count) {
	ENTER(device);
	NEED(count);
	(void)id;
	(void)out;
	return NVML_NOT_SUPPORTED;
}

EXPORT nvml_result nvmlDeviceGetGpuInstanceById(nvml_device device, u32 id, nvml_gpu_instance *out) {
	ENTER(device);
	NEED(out);
	(void)id;
	return NVML_NOT_SUPPORTED;
}

/* No handle of an instance was ever given out: whatever is passed is none. */
#define NO_INSTANCE_CALL(name, ...)                                                                                                                                            \
	EXPORT nvml_result name(__VA_ARGS__) {                                                                                                                                     \
		ENTER_SYSTEM();                                                                                                                                                        \
		return NVML_INVALID_ARGUMENT;                                                                                                                                          \
	}

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-parameter"
NO_INSTANCE_CALL(nvmlGpuInstanceGetInfo, nvml_gpu_instance instance, nvml_gi_info *info)
NO_INSTANCE_CALL(nvmlGpuInstanceDestroy, nvml_gpu_instance instance)
NO_INSTANCE_CALL(nvmlGpuInstanceGetComputeInstanceProfileInfo, nvml_gpu_instance instance, u32 profile, u32 engine, nvml_ci_profile *info)
NO_INSTANCE_CALL(nvmlGpuInstanceGetComputeInstanceProfileInfoV, nvml_gpu_instance instance, u32 profile, u32 engine, void *info)
NO_INSTANCE_CALL(nvmlGpuInstanceGetComputeInstanceRemainingCapacity, nvml_gpu_instance instance, u32 id, u32 *count)
NO_INSTANCE_CALL(nvmlGpuInstanceGetComputeInstancePossiblePlacements, nvml_gpu_instance instance, u32 id, nvml_placement *placements, u32 *count)
NO_INSTANCE_CALL(nvmlGpuInstanceCreateComputeInstance, nvml_gpu_instance instance, u32 id, nvml_compute_instance *out)
NO_INSTANCE_CALL(nvmlGpuInstanceCreateComputeInstanceWithPlacement, nvml_gpu_instance instance, u32 id, const nvml_placement *placement, nvml_compute_instance *out)
NO_INSTANCE_CALL(nvmlGpuInstanceGetComputeInstances, nvml_gpu_instance instance, u32 id, nvml_compute_instance *out, u32 *count)
NO_INSTANCE_CALL(nvmlGpuInstanceGetComputeInstanceById, nvml_gpu_instance instance, u32 id, nvml_compute_instance *out)
NO_INSTANCE_CALL(nvmlComputeInstanceGetInfo_v2, nvml_compute_instance instance, nvml_ci_info *info)
NO_INSTANCE_CALL(nvmlComputeInstanceDestroy, nvml_compute_instance instance)
#pragma GCC diagnostic pop
