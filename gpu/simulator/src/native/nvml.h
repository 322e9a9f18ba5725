/* The part of NVML's C ABI that the simulated library serves, written from the published layouts and numbers: sizes and offsets are asserted below. A `version` word is
 * sizeof(struct) | version << 24. */
#ifndef BERTH_SIMULATOR_NVML_H
#define BERTH_SIMULATOR_NVML_H

#include <stddef.h>
#include <stdint.h>

typedef unsigned int u32;
typedef unsigned long long u64;
typedef int nvml_result;

enum {
	NVML_SUCCESS = 0,
	NVML_UNINITIALIZED = 1,
	NVML_INVALID_ARGUMENT = 2,
	NVML_NOT_SUPPORTED = 3,
	NVML_NO_PERMISSION = 4,
	NVML_ALREADY_INITIALIZED = 5,
	NVML_NOT_FOUND = 6,
	NVML_INSUFFICIENT_SIZE = 7,
	NVML_DRIVER_NOT_LOADED = 9,
	NVML_TIMEOUT = 10,
	NVML_CORRUPTED_INFOROM = 14,
	NVML_GPU_IS_LOST = 15,
	NVML_RESET_REQUIRED = 16,
	NVML_OPERATING_SYSTEM = 17,
	NVML_LIB_RM_VERSION_MISMATCH = 18,
	NVML_IN_USE = 19,
	NVML_MEMORY = 20,
	NVML_NO_DATA = 21,
	NVML_ARGUMENT_VERSION_MISMATCH = 25,
	NVML_UNKNOWN = 999
};

#define NVML_VERSION_WORD(type, version) ((u32)sizeof(type) | (u32)(version) << 24)
#define NVML_NOT_AVAILABLE UINT64_C(0xffffffffffffffff)
#define NVML_NO_INSTANCE 0xffffffffu

typedef struct nvml_device *nvml_device;
typedef struct nvml_event_set *nvml_event_set;
typedef struct nvml_gpu_instance *nvml_gpu_instance;
typedef struct nvml_compute_instance *nvml_compute_instance;

typedef struct {
	char bus_id_legacy[16];
	u32 domain, bus, device, pci_device_id, pci_subsystem_id;
	char bus_id[32];
} nvml_pci_info;
_Static_assert(sizeof(nvml_pci_info) == 68 && offsetof(nvml_pci_info, bus_id) == 36, "nvmlPciInfo_t");

typedef struct {
	u32 version, domain, bus, device, pci_device_id, pci_subsystem_id, base_class, sub_class;
	char bus_id[32];
} nvml_pci_info_ext;
_Static_assert(sizeof(nvml_pci_info_ext) == 64, "nvmlPciInfoExt_v1_t");

typedef struct {
	u32 gpu, memory;
} nvml_utilization;

typedef struct {
	u64 total, free, used;
} nvml_memory;

typedef struct {
	u32 version;
	u64 total, reserved, free, used;
} nvml_memory_v2;
_Static_assert(sizeof(nvml_memory_v2) == 40 && offsetof(nvml_memory_v2, used) == 32, "nvmlMemory_v2_t");

typedef struct {
	u32 pid;
	u64 used;
} nvml_process_v1;
_Static_assert(sizeof(nvml_process_v1) == 16, "nvmlProcessInfo_v1_t");

typedef struct {
	u32 pid;
	u64 used;
	u32 gpu_instance, compute_instance;
} nvml_process;
_Static_assert(sizeof(nvml_process) == 24 && offsetof(nvml_process, gpu_instance) == 16, "nvmlProcessInfo_v2_t");

typedef struct {
	u32 pid;
	u64 used;
	u32 gpu_instance, compute_instance;
	u64 protected_bytes;
} nvml_process_detail;
_Static_assert(sizeof(nvml_process_detail) == 32, "nvmlProcessDetail_v1_t");

typedef struct {
	u32 version, mode, count;
	nvml_process_detail *processes;
} nvml_process_detail_list;
_Static_assert(sizeof(nvml_process_detail_list) == 24 && offsetof(nvml_process_detail_list, processes) == 16, "nvmlProcessDetailList_v1_t");

typedef struct {
	nvml_device device;
	u64 type, data;
	u32 gpu_instance, compute_instance;
} nvml_event_data;
_Static_assert(sizeof(nvml_event_data) == 32 && offsetof(nvml_event_data, gpu_instance) == 24, "nvmlEventData_t");

typedef struct {
	u32 multiprocessors, copy_engines, decoders, encoders, jpeg, ofa, gpu_slices, compute_slices;
	u64 memory_mib;
} nvml_attributes;
_Static_assert(sizeof(nvml_attributes) == 40, "nvmlDeviceAttributes_t");

typedef struct {
	u32 start, size;
} nvml_placement;

typedef struct {
	u32 id, p2p, slices, instances, sm, copy_engines, decoders, encoders, jpeg, ofa;
	u64 memory_mib;
} nvml_gi_profile;
_Static_assert(sizeof(nvml_gi_profile) == 48, "nvmlGpuInstanceProfileInfo_t");

typedef struct {
	u32 version, id, p2p, slices, instances, sm, copy_engines, decoders, encoders, jpeg, ofa;
	u64 memory_mib;
	char name[96];
} nvml_gi_profile_v2;
_Static_assert(sizeof(nvml_gi_profile_v2) == 152 && offsetof(nvml_gi_profile_v2, memory_mib) == 48, "nvmlGpuInstanceProfileInfo_v2_t");

typedef struct {
	u32 version, id, slices, instances, sm, copy_engines, decoders, encoders, jpeg, ofa;
	u64 memory_mib;
	char name[96];
	u32 capabilities;
} nvml_gi_profile_v3;
_Static_assert(sizeof(nvml_gi_profile_v3) == 152 && offsetof(nvml_gi_profile_v3, capabilities) == 144, "nvmlGpuInstanceProfileInfo_v3_t");

typedef struct {
	nvml_device device;
	u32 id, profile;
	nvml_placement placement;
} nvml_gi_info;
_Static_assert(sizeof(nvml_gi_info) == 24, "nvmlGpuInstanceInfo_t");

typedef struct {
	u32 id, slices, instances, sm, copy_engines, decoders, encoders, jpeg, ofa;
} nvml_ci_profile;
_Static_assert(sizeof(nvml_ci_profile) == 36, "nvmlComputeInstanceProfileInfo_t");

typedef struct {
	nvml_device device;
	nvml_gpu_instance instance;
	u32 id, profile;
	nvml_placement placement;
} nvml_ci_info;
_Static_assert(sizeof(nvml_ci_info) == 32, "nvmlComputeInstanceInfo_t");

typedef struct {
	u32 pid;
	u64 time_us;
	u32 sm, memory, encoder, decoder;
} nvml_process_sample;
_Static_assert(sizeof(nvml_process_sample) == 32, "nvmlProcessUtilizationSample_t");

typedef struct {
	u64 time_us;
	u32 pid, sm, memory, encoder, decoder, jpeg, ofa;
} nvml_process_utilization;
_Static_assert(sizeof(nvml_process_utilization) == 40, "nvmlProcessUtilizationInfo_v1_t");

typedef struct {
	u32 version, count;
	u64 since_us;
	nvml_process_utilization *samples;
} nvml_processes_utilization;
_Static_assert(sizeof(nvml_processes_utilization) == 24, "nvmlProcessesUtilizationInfo_v1_t");

typedef struct {
	u32 gpu, memory;
	u64 max_memory, time_ms, start_us;
	u32 running, reserved[5];
} nvml_accounting;
_Static_assert(sizeof(nvml_accounting) == 56, "nvmlAccountingStats_t");

enum { NVML_DOUBLE, NVML_UINT, NVML_ULONG, NVML_ULL, NVML_SLL, NVML_SINT, NVML_USHORT };

typedef struct {
	u32 field, scope;
	int64_t time_us, latency_us;
	int type;
	nvml_result result;
	union {
		double real;
		u32 number;
		u64 large;
	} value;
} nvml_field;
_Static_assert(sizeof(nvml_field) == 40 && offsetof(nvml_field, value) == 32, "nvmlFieldValue_t");

typedef struct {
	u32 max, high, partial, low, none;
} nvml_histogram;

typedef struct {
	u32 version;
	unsigned char cluster[16];
	nvml_result status;
	u32 clique;
	unsigned char state;
	u32 health;
} nvml_fabric_v2;
_Static_assert(sizeof(nvml_fabric_v2) == 36 && offsetof(nvml_fabric_v2, state) == 28, "nvmlGpuFabricInfo_v2_t");

typedef struct {
	u32 version;
	unsigned char cluster[16];
	nvml_result status;
	u32 clique;
	unsigned char state;
	u32 health;
	unsigned char summary;
} nvml_fabric_v3;
_Static_assert(sizeof(nvml_fabric_v3) == 40 && offsetof(nvml_fabric_v3, summary) == 36, "nvmlGpuFabricInfo_v3_t");

typedef struct {
	u32 version;
	u64 aggregate_parity, aggregate_secded, aggregate_corrected, volatile_parity, volatile_secded, volatile_corrected, buckets[5];
	u32 threshold_exceeded;
} nvml_sram;
_Static_assert(sizeof(nvml_sram) == 104 && offsetof(nvml_sram, threshold_exceeded) == 96, "nvmlEccSramErrorStatus_v1_t");

typedef struct {
	u32 version, channel, tpc;
} nvml_repair;

typedef struct {
	u32 version, correctable, correctable_inactive, uncorrectable, uncorrectable_inactive;
	unsigned char pending, failure;
} nvml_remapped_v2;
_Static_assert(sizeof(nvml_remapped_v2) == 24, "nvmlRemappedRows_v2");

typedef struct {
	u32 version;
	int sensor, temperature;
} nvml_temperature;

typedef struct {
	u32 version;
	unsigned char ib_guid[16], chassis[16], slot, tray, host, peer, module;
} nvml_platform;
_Static_assert(sizeof(nvml_platform) == 44 && offsetof(nvml_platform, slot) == 36, "nvmlPlatformInfo_v2_t");

typedef struct {
	u64 type;
	u32 gpu;
} nvml_system_event;

typedef struct nvml_system_event_set *nvml_system_event_set;

typedef struct {
	u32 version;
	nvml_system_event_set set;
} nvml_system_event_set_request;
_Static_assert(sizeof(nvml_system_event_set_request) == 16, "nvmlSystemEventSetCreateRequest_v1_t");

typedef struct {
	u32 version;
	u64 types;
	nvml_system_event_set set;
} nvml_system_event_register;
_Static_assert(sizeof(nvml_system_event_register) == 24, "nvmlSystemRegisterEventRequest_v1_t");

typedef struct {
	u32 version, timeout_ms;
	nvml_system_event_set set;
	nvml_system_event *data;
	u32 size, count;
} nvml_system_event_wait;
_Static_assert(sizeof(nvml_system_event_wait) == 32, "nvmlSystemEventSetWaitRequest_v1_t");

typedef struct {
	u32 environment, feature, dev_tools;
} nvml_conf_compute;
#endif
