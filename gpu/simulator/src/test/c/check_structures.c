/* Structures with a version word: the right one is served, any other is refused. Counters, modes, MIG, pairs, events. */
#define _GNU_SOURCE
#include "client.h"

#include <stdlib.h>
#include <unistd.h>

/* Calls with the right version and with three wrong ones. */
#define VERSIONED(type, number, call, served)                                                                                                                                  \
	do {                                                                                                                                                                       \
		type value;                                                                                                                                                            \
		const u32 right = (u32)sizeof(type) | number##u << 24;                                                                                                                 \
		const u32 wrong[] = {0, right + 1, right ^ 0x0f000000u};                                                                                                               \
		memset(&value, 0, sizeof value);                                                                                                                                       \
		value.version = right;                                                                                                                                                 \
		SAME(served, call);                                                                                                                                                    \
		for (int wrong_at = 0; wrong_at < 3; wrong_at++) {                                                                                                                     \
			value.version = wrong[wrong_at];                                                                                                                                   \
			SAME(NVML_ARGUMENT_VERSION_MISMATCH, call);                                                                                                                        \
		}                                                                                                                                                                      \
	} while (0)

static void check_ras(nvml_device device) {
	u64 count = 99;
	u32 a = 9, b = 9, c = 9, d = 9;
	int current = 9, pending = 9;
	SAME(NVML_SUCCESS, CALL(nvmlDeviceGetEccMode)(device, &current, &pending));
	for (int kind = 0; kind < 2; kind++)
		for (int counter = 0; counter < 2; counter++) {
			SAME(NVML_SUCCESS, CALL(nvmlDeviceGetTotalEccErrors)(device, kind, counter, &count));
			SAME(NVML_SUCCESS, CALL(nvmlDeviceGetMemoryErrorCounter)(device, kind, counter, 2, &count));
			SAME(NVML_SUCCESS, CALL(nvmlDeviceGetMemoryErrorCounter)(device, kind, counter, 7, &count));
		}
	SAME(NVML_NOT_SUPPORTED, CALL(nvmlDeviceGetMemoryErrorCounter)(device, 0, 0, 0, &count));
	SAME(NVML_INVALID_ARGUMENT, CALL(nvmlDeviceGetTotalEccErrors)(device, 2, 0, &count));
	SAME(NVML_SUCCESS, CALL(nvmlDeviceGetRemappedRows)(device, &a, &b, &c, &d));
	SAME(0, a + b + c + d);
	nvml_histogram histogram;
	SAME(NVML_SUCCESS, CALL(nvmlDeviceGetRowRemapperHistogram)(device, &histogram));
	SAME(640, histogram.max);
	SAME(NVML_NOT_SUPPORTED, CALL(nvmlDeviceGetRetiredPages_v2)(device, 0, &a, NULL, NULL));
	SAME(NVML_NOT_SUPPORTED, CALL(nvmlDeviceGetRetiredPagesPendingStatus)(device, &current));
	SAME(NVML_SUCCESS, CALL(nvmlDeviceValidateInforom)(device));
}

void check_structures(nvml_device device) {
	VERSIONED(nvml_memory_v2, 2, CALL(nvmlDeviceGetMemoryInfo_v2)(device, &value), NVML_SUCCESS);
	VERSIONED(nvml_pci_info_ext, 1, CALL(nvmlDeviceGetPciInfoExt)(device, &value), NVML_SUCCESS);
	VERSIONED(nvml_temperature, 1, CALL(nvmlDeviceGetTemperatureV)(device, &value), NVML_SUCCESS);
	VERSIONED(nvml_remapped_v2, 2, CALL(nvmlDeviceGetRemappedRows_v2)(device, &value), NVML_SUCCESS);
	VERSIONED(nvml_sram, 1, CALL(nvmlDeviceGetSramEccErrorStatus)(device, &value), NVML_SUCCESS);
	VERSIONED(nvml_repair, 1, CALL(nvmlDeviceGetRepairStatus)(device, &value), NVML_SUCCESS);
	VERSIONED(nvml_platform, 2, CALL(nvmlDeviceGetPlatformInfo)(device, &value), NVML_NOT_SUPPORTED);
	VERSIONED(nvml_fabric_v3, 3, CALL(nvmlDeviceGetGpuFabricInfoV)(device, &value), NVML_SUCCESS);
	VERSIONED(nvml_fabric_v2, 2, CALL(nvmlDeviceGetGpuFabricInfoV)(device, (nvml_fabric_v3 *)(void *)&value), NVML_SUCCESS);
	VERSIONED(nvml_process_detail_list, 1, CALL(nvmlDeviceGetRunningProcessDetailList)(device, &value), NVML_SUCCESS);
	VERSIONED(nvml_processes_utilization, 1, CALL(nvmlDeviceGetProcessesUtilizationInfo)(device, &value), NVML_NOT_FOUND);
	u32 count = 0;
	SAME(NVML_SUCCESS, CALL(nvmlDeviceGetComputeRunningProcesses_v3)(device, &count, NULL));
	SAME(0, count);
	count = 3;
	SAME(NVML_INVALID_ARGUMENT, CALL(nvmlDeviceGetComputeRunningProcesses_v3)(device, &count, NULL));
	SAME(NVML_INVALID_ARGUMENT, CALL(nvmlDeviceGetGraphicsRunningProcesses_v3)(device, NULL, NULL));
	nvml_process processes[3];
	SAME(NVML_SUCCESS, CALL(nvmlDeviceGetMPSComputeRunningProcesses_v3)(device, &count, processes));
	SAME(0, count);
	nvml_process_v1 old[2];
	count = 2;
	SAME(NVML_SUCCESS, CALL(nvmlDeviceGetComputeRunningProcesses)(device, &count, old));
	nvml_process_sample sample;
	count = 1;
	SAME(NVML_NOT_FOUND, CALL(nvmlDeviceGetProcessUtilization)(device, &sample, &count, 0));
	check_ras(device);
}

void check_mig(nvml_device device) {
	u32 current = 9, pending = 9, count = 9;
	nvml_result mode = CALL(nvmlDeviceGetMigMode)(device, &current, &pending);
	CHECK(mode == NVML_SUCCESS || mode == NVML_NOT_SUPPORTED);
	SAME(NVML_SUCCESS, CALL(nvmlDeviceGetMaxMigDeviceCount)(device, &count));
	SAME(0, count);
	nvml_device other;
	nvml_gpu_instance instance = NULL;
	SAME(NVML_NOT_FOUND, CALL(nvmlDeviceGetMigDeviceHandleByIndex)(device, 0, &other));
	SAME(NVML_SUCCESS, CALL(nvmlDeviceIsMigDeviceHandle)(device, &count));
	SAME(0, count);
	SAME(NVML_NOT_SUPPORTED, CALL(nvmlDeviceGetGpuInstanceId)(device, &count));
	SAME(NVML_NOT_SUPPORTED, CALL(nvmlDeviceCreateGpuInstance)(device, 0, &instance));
	SAME(NVML_INVALID_ARGUMENT, CALL(nvmlGpuInstanceDestroy)(instance));
	nvml_attributes attributes;
	SAME(NVML_NOT_SUPPORTED, CALL(nvmlDeviceGetAttributes_v2)(device, &attributes));
	u32 found = 0;
	for (u32 profile = 0; profile < 18; profile++) {
		nvml_gi_profile plain;
		nvml_gi_profile_v2 second = {.version = 0x02000098};
		nvml_gi_profile_v3 third = {.version = 0x03000098}, byid = {.version = 0x03000098};
		nvml_result result = CALL(nvmlDeviceGetGpuInstanceProfileInfoV)(device, profile, &third);
		SAME(result, CALL(nvmlDeviceGetGpuInstanceProfileInfoV)(device, profile, &second));
		SAME(result, CALL(nvmlDeviceGetGpuInstanceProfileInfo)(device, profile, &plain));
		if (result != NVML_SUCCESS) {
			SAME(NVML_NOT_SUPPORTED, result);
			continue;
		}
		found++;
		SAME(second.id, third.id);
		SAME(plain.memory_mib, third.memory_mib);
		CHECK(strncmp(third.name, "MIG ", 4) == 0);
		SAME(NVML_SUCCESS, CALL(nvmlDeviceGetGpuInstanceProfileInfoByIdV)(device, third.id, &byid));
		CHECK(strcmp(byid.name, second.name) == 0);
		third.version = 0x04000098;
		SAME(NVML_ARGUMENT_VERSION_MISMATCH, CALL(nvmlDeviceGetGpuInstanceProfileInfoV)(device, profile, &third));
		nvml_placement placements[8];
		u32 many = 0, room = 0;
		SAME(NVML_SUCCESS, CALL(nvmlDeviceGetGpuInstancePossiblePlacements_v2)(device, byid.id, NULL, &many));
		CHECK(many >= 1 && many <= 8);
		SAME(NVML_INSUFFICIENT_SIZE, CALL(nvmlDeviceGetGpuInstancePossiblePlacements_v2)(device, byid.id, placements, &room));
		SAME(NVML_SUCCESS, CALL(nvmlDeviceGetGpuInstancePossiblePlacements_v2)(device, byid.id, placements, &many));
		for (u32 i = 0; i < many; i++)
			CHECK(placements[i].start + placements[i].size <= 8);
	}
	CHECK(mode == NVML_SUCCESS ? found >= 5 : found == 0);
	nvml_gi_profile_v3 none = {.version = 0x03000098};
	SAME(mode == NVML_SUCCESS ? NVML_INVALID_ARGUMENT : NVML_NOT_SUPPORTED, CALL(nvmlDeviceGetGpuInstanceProfileInfoV)(device, 18, &none));
}

static u32 active_links(nvml_device device) {
	u32 active = 0;
	for (u32 link = 0; link < 36; link++) {
		int on = 0, type = -1;
		u32 number = 0;
		u64 errors = 9;
		nvml_pci_info pci;
		nvml_result result = CALL(nvmlDeviceGetNvLinkState)(device, link, &on);
		SAME(result, CALL(nvmlDeviceGetNvLinkRemoteDeviceType)(device, link, &type));
		SAME(result, CALL(nvmlDeviceGetNvLinkRemotePciInfo_v2)(device, link, &pci));
		SAME(result, CALL(nvmlDeviceGetNvLinkVersion)(device, link, &number));
		SAME(result, CALL(nvmlDeviceGetNvLinkCapability)(device, link, 0, &number));
		SAME(result, CALL(nvmlDeviceGetNvLinkErrorCounter)(device, link, 2, &errors));
		active += result == NVML_SUCCESS && on;
	}
	int on = 0;
	SAME(NVML_INVALID_ARGUMENT, CALL(nvmlDeviceGetNvLinkState)(device, 36, &on));
	return active;
}

static void check_pair(nvml_device a, nvml_device b, u32 links) {
	int there = -2, back = -3, read = 9, link = 9;
	SAME(NVML_SUCCESS, CALL(nvmlDeviceGetTopologyCommonAncestor)(a, b, &there));
	SAME(NVML_SUCCESS, CALL(nvmlDeviceGetTopologyCommonAncestor)(b, a, &back));
	SAME(there, back);
	SAME(NVML_SUCCESS, CALL(nvmlDeviceGetP2PStatus)(a, b, 2, &link));
	SAME(a != b && links > 0 ? 0 : 5, link);
	SAME(NVML_SUCCESS, CALL(nvmlDeviceGetP2PStatus)(a, b, 0, &read));
	SAME(NVML_INVALID_ARGUMENT, CALL(nvmlDeviceGetP2PStatus)(a, b, 5, &read));
}

void check_pairs(u32 count) {
	nvml_device devices[16];
	for (u32 i = 0; i < count; i++)
		SAME(NVML_SUCCESS, CALL(nvmlDeviceGetHandleByIndex_v2)(i, &devices[i]));
	for (u32 a = 0; a < count; a++) {
		u32 links = active_links(devices[a]);
		for (u32 b = 0; b < count; b++)
			check_pair(devices[a], devices[b], links);
		nvml_device near[16];
		u32 all = 16, none = 0;
		SAME(NVML_SUCCESS, CALL(nvmlDeviceGetTopologyNearestGpus)(devices[a], 50, &all, near));
		SAME(count - 1, all);
		if (count > 1)
			SAME(NVML_INSUFFICIENT_SIZE, CALL(nvmlDeviceGetTopologyNearestGpus)(devices[a], 50, &none, near));
		unsigned long words[16], one[1];
		u32 node = 0;
		nvml_result known = CALL(nvmlDeviceGetNumaNodeId)(devices[a], &node);
		SAME(known, CALL(nvmlDeviceGetCpuAffinity)(devices[a], 16, words));
		SAME(known, CALL(nvmlDeviceGetCpuAffinityWithinScope)(devices[a], 1, one, 0));
		SAME(known, CALL(nvmlDeviceGetMemoryAffinity)(devices[a], 1, one, 0));
		if (known == NVML_SUCCESS)
			SAME(1ul << node, one[0]);
		SAME(NVML_INVALID_ARGUMENT, CALL(nvmlDeviceGetCpuAffinity)(devices[a], 0, words));
	}
}

void check_events(nvml_device device) {
	nvml_event_set set = NULL;
	u64 types = 0;
	nvml_event_data data;
	SAME(NVML_SUCCESS, CALL(nvmlDeviceGetSupportedEventTypes)(device, &types));
	SAME(0x8, types & 0x8);
	SAME(NVML_SUCCESS, CALL(nvmlEventSetCreate)(&set));
	SAME(NVML_NOT_SUPPORTED, CALL(nvmlDeviceRegisterEvents)(device, UINT64_C(1) << 40, set));
	SAME(NVML_INVALID_ARGUMENT, CALL(nvmlDeviceRegisterEvents)(device, 0x8, NULL));
	SAME(NVML_SUCCESS, CALL(nvmlDeviceRegisterEvents)(device, 0x8, set));
	SAME(NVML_TIMEOUT, CALL(nvmlEventSetWait_v2)(set, &data, 5));
	SAME(NVML_TIMEOUT, CALL(nvmlEventSetWait_v2)(set, &data, 0));
	SAME(NVML_INVALID_ARGUMENT, CALL(nvmlEventSetWait_v2)(NULL, &data, 5));
	SAME(NVML_SUCCESS, CALL(nvmlEventSetFree)(set));
	nvml_system_event_set_request create = {.version = 0x01000010};
	SAME(NVML_SUCCESS, CALL(nvmlSystemEventSetCreate)(&create));
	nvml_system_event_register enlist = {.version = 0x01000018, .types = 3, .set = create.set};
	SAME(NVML_SUCCESS, CALL(nvmlSystemRegisterEvents)(&enlist));
	nvml_system_event events[4];
	nvml_system_event_wait await = {.version = 0x01000020, .timeout_ms = 1, .set = create.set, .data = events, .size = 4};
	SAME(NVML_TIMEOUT, CALL(nvmlSystemEventSetWait)(&await));
	if (geteuid() == 0) {
		nvml_pci_info pci;
		char uuid[96];
		SAME(NVML_SUCCESS, CALL(nvmlDeviceGetPciInfo_v3)(device, &pci));
		SAME(NVML_IN_USE, CALL(nvmlDeviceRemoveGpu_v2)(&pci, 0, 0));
		SAME(NVML_SUCCESS, CALL(nvmlDeviceModifyDrainState)(&pci, 1));
		SAME(NVML_SUCCESS, CALL(nvmlDeviceRemoveGpu_v2)(&pci, 0, 0));
		SAME(NVML_GPU_IS_LOST, CALL(nvmlDeviceGetUUID)(device, uuid, sizeof uuid));
		SAME(NVML_SUCCESS, CALL(nvmlDeviceDiscoverGpus)(&pci));
		SAME(NVML_SUCCESS, CALL(nvmlDeviceGetUUID)(device, uuid, sizeof uuid));
		SAME(NVML_SUCCESS, CALL(nvmlSystemEventSetWait)(&await));
		SAME(2, await.count);
		SAME(1, events[0].type);
		SAME(2, events[1].type);
	}
	await.version = 1;
	SAME(NVML_ARGUMENT_VERSION_MISMATCH, CALL(nvmlSystemEventSetWait)(&await));
	SAME(NVML_SUCCESS, CALL(nvmlSystemEventSetFree)(&create));
}

void check_control(nvml_device device) {
	int mode = 9;
	u32 least = 0, most = 0, limit = 0, ready = 0;
	nvml_conf_compute conf;
	SAME(NVML_SUCCESS, CALL(nvmlDeviceGetPersistenceMode)(device, &mode));
	SAME(NVML_SUCCESS, CALL(nvmlDeviceGetPowerManagementLimitConstraints)(device, &least, &most));
	SAME(NVML_SUCCESS, CALL(nvmlSystemGetConfComputeState)(&conf));
	SAME(NVML_SUCCESS, CALL(nvmlSystemGetConfComputeGpusReadyState)(&ready));
	SAME(1, ready);
	if (geteuid() != 0) {
		SAME(NVML_NO_PERMISSION, CALL(nvmlDeviceSetComputeMode)(device, 3));
		return;
	}
	SAME(NVML_SUCCESS, CALL(nvmlDeviceSetComputeMode)(device, 3));
	SAME(NVML_SUCCESS, CALL(nvmlDeviceGetComputeMode)(device, &mode));
	SAME(3, mode);
	SAME(NVML_NOT_SUPPORTED, CALL(nvmlDeviceSetComputeMode)(device, 1));
	SAME(NVML_INVALID_ARGUMENT, CALL(nvmlDeviceSetComputeMode)(device, 4));
	SAME(NVML_SUCCESS, CALL(nvmlDeviceSetComputeMode)(device, 0));
	SAME(NVML_INVALID_ARGUMENT, CALL(nvmlDeviceSetPowerManagementLimit)(device, most + 1000));
	SAME(NVML_SUCCESS, CALL(nvmlDeviceSetPowerManagementLimit)(device, least));
	SAME(NVML_SUCCESS, CALL(nvmlDeviceGetPowerManagementLimit)(device, &limit));
	SAME(least, limit);
	SAME(NVML_SUCCESS, CALL(nvmlDeviceGetPowerManagementDefaultLimit)(device, &limit));
	SAME(NVML_SUCCESS, CALL(nvmlDeviceSetPowerManagementLimit)(device, limit));
	SAME(NVML_SUCCESS, CALL(nvmlDeviceSetAccountingMode)(device, 1));
	least = 0;
	SAME(NVML_SUCCESS, CALL(nvmlDeviceGetAccountingPids)(device, &least, NULL));
	nvml_accounting stats;
	SAME(NVML_NOT_FOUND, CALL(nvmlDeviceGetAccountingStats)(device, 1, &stats));
	SAME(NVML_SUCCESS, CALL(nvmlDeviceSetAccountingMode)(device, 0));
	SAME(NVML_NOT_SUPPORTED, CALL(nvmlDeviceGetAccountingStats)(device, 1, &stats));
}
