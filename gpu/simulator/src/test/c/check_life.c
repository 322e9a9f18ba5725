/* Initialization, and what a device says that it is. */
#define _GNU_SOURCE
#include "client.h"

#include <stdlib.h>

void check_life(void) {
	u32 count = 0;
	nvml_device device = NULL, old = NULL;
	char text[96];
	SAME(NVML_UNINITIALIZED, CALL(nvmlDeviceGetCount_v2)(&count));
	SAME(NVML_UNINITIALIZED, CALL(nvmlDeviceGetHandleByIndex_v2)(0, &device));
	SAME(NVML_UNINITIALIZED, CALL(nvmlSystemGetDriverVersion)(text, sizeof text));
	SAME(NVML_UNINITIALIZED, CALL(nvmlShutdown)());
	CHECK(strcmp(CALL(nvmlErrorString)(NVML_GPU_IS_LOST), "GPU is lost") == 0);
	CHECK(strcmp(CALL(nvmlErrorString)(NVML_UNKNOWN), "Unknown Error") == 0);
	CHECK(CALL(nvmlErrorString)(-7) != NULL);
	SAME(NVML_SUCCESS, CALL(nvmlInit_v2)());
	SAME(NVML_SUCCESS, CALL(nvmlInitWithFlags)(0));
	SAME(NVML_SUCCESS, CALL(nvmlShutdown)());
	SAME(NVML_SUCCESS, CALL(nvmlDeviceGetHandleByIndex_v2)(0, &old));
	SAME(NVML_SUCCESS, CALL(nvmlDeviceGetUUID)(old, text, sizeof text));
	SAME(NVML_SUCCESS, CALL(nvmlShutdown)());
	SAME(NVML_UNINITIALIZED, CALL(nvmlDeviceGetUUID)(old, text, sizeof text));
	SAME(NVML_SUCCESS, CALL(nvmlInitWithFlags)(2));
	/* A handle of an earlier initialization is no handle. */
	SAME(NVML_INVALID_ARGUMENT, CALL(nvmlDeviceGetUUID)(old, text, sizeof text));
	SAME(NVML_INVALID_ARGUMENT, CALL(nvmlDeviceGetUUID)(NULL, text, sizeof text));
	SAME(NVML_INVALID_ARGUMENT, CALL(nvmlDeviceGetUUID)((nvml_device)text, text, sizeof text));
	SAME(NVML_INVALID_ARGUMENT, CALL(nvmlDeviceGetHandleByIndex_v2)(99, &device));
	SAME(NVML_INVALID_ARGUMENT, CALL(nvmlDeviceGetHandleByIndex_v2)(0, NULL));
	SAME(NVML_NOT_FOUND, CALL(nvmlDeviceGetHandleByUUID)("GPU-00000000-0000-0000-0000-000000000000", &device));
	SAME(NVML_NOT_FOUND, CALL(nvmlDeviceGetHandleBySerial)("none", &device));
	SAME(NVML_NOT_FOUND, CALL(nvmlDeviceGetHandleByPciBusId_v2)("0000:FE:00.0", &device));
	SAME(NVML_NOT_FOUND, CALL(nvmlDeviceGetHandleByPciBusId_v2)("0000:FE:00.1", &device));
	SAME(NVML_INVALID_ARGUMENT, CALL(nvmlDeviceGetHandleByPciBusId_v2)("here", &device));
	SAME(NVML_SUCCESS, CALL(nvmlSystemGetDriverVersion)(text, 80));
	SAME(NVML_INSUFFICIENT_SIZE, CALL(nvmlSystemGetDriverVersion)(text, 4));
	SAME(NVML_SUCCESS, CALL(nvmlSystemGetNVMLVersion)(text, 80));
	int cuda = 0;
	SAME(NVML_SUCCESS, CALL(nvmlSystemGetCudaDriverVersion_v2)(&cuda));
	CHECK(cuda >= 12000);
	SAME(NVML_NOT_FOUND, CALL(nvmlSystemGetProcessName)(1, text, sizeof text));
	SAME(NVML_SUCCESS, CALL(nvmlShutdown)());
}

static void check_handles(nvml_device device, u32 index) {
	nvml_device again = NULL;
	char uuid[96], serial[30], small[8];
	u32 number = 99;
	SAME(NVML_SUCCESS, CALL(nvmlDeviceGetIndex)(device, &number));
	SAME(index, number);
	SAME(NVML_SUCCESS, CALL(nvmlDeviceGetUUID)(device, uuid, sizeof uuid));
	SAME(NVML_INSUFFICIENT_SIZE, CALL(nvmlDeviceGetUUID)(device, uuid, 40));
	SAME(NVML_SUCCESS, CALL(nvmlDeviceGetUUID)(device, uuid, 41));
	SAME(40, strlen(uuid));
	SAME(NVML_INVALID_ARGUMENT, CALL(nvmlDeviceGetUUID)(device, NULL, 96));
	SAME(NVML_SUCCESS, CALL(nvmlDeviceGetHandleByUUID)(uuid, &again));
	CHECK(again == device);
	SAME(NVML_SUCCESS, CALL(nvmlDeviceGetSerial)(device, serial, sizeof serial));
	SAME(NVML_SUCCESS, CALL(nvmlDeviceGetHandleBySerial)(serial, &again));
	CHECK(again == device);
	nvml_pci_info pci;
	SAME(NVML_SUCCESS, CALL(nvmlDeviceGetPciInfo_v3)(device, &pci));
	SAME(16, strlen(pci.bus_id));
	SAME(12, strlen(pci.bus_id_legacy));
	SAME(0x10de, pci.pci_device_id & 0xffff);
	SAME(NVML_SUCCESS, CALL(nvmlDeviceGetHandleByPciBusId_v2)(pci.bus_id, &again));
	CHECK(again == device);
	SAME(NVML_SUCCESS, CALL(nvmlDeviceGetHandleByPciBusId_v2)(pci.bus_id_legacy, &again));
	CHECK(again == device);
	SAME(NVML_INSUFFICIENT_SIZE, CALL(nvmlDeviceGetName)(device, small, sizeof small));
}

static void check_stats(nvml_device device) {
	u32 number = 0, period = 0;
	u64 large = 0, more = 0;
	nvml_memory memory;
	nvml_memory_v2 second = {.version = 0x02000028};
	nvml_utilization rates;
	SAME(NVML_SUCCESS, CALL(nvmlDeviceGetMemoryInfo)(device, &memory));
	SAME(NVML_SUCCESS, CALL(nvmlDeviceGetMemoryInfo_v2)(device, &second));
	SAME(memory.total, memory.free + memory.used);
	SAME(second.total, second.free + second.used + second.reserved);
	SAME(memory.used, second.used + second.reserved);
	SAME(NVML_SUCCESS, CALL(nvmlDeviceGetBAR1MemoryInfo)(device, &memory));
	SAME(NVML_SUCCESS, CALL(nvmlDeviceGetUtilizationRates)(device, &rates));
	SAME(0, rates.gpu);
	SAME(NVML_SUCCESS, CALL(nvmlDeviceGetTemperature)(device, 0, &number));
	CHECK(number > 20 && number < 50);
	SAME(NVML_INVALID_ARGUMENT, CALL(nvmlDeviceGetTemperature)(device, 1, &number));
	SAME(NVML_SUCCESS, CALL(nvmlDeviceGetTemperatureThreshold)(device, 0, &number));
	SAME(NVML_SUCCESS, CALL(nvmlDeviceGetPowerUsage)(device, &number));
	CHECK(number > 10000);
	SAME(NVML_SUCCESS, CALL(nvmlDeviceGetTotalEnergyConsumption)(device, &large));
	SAME(NVML_SUCCESS, CALL(nvmlDeviceGetTotalEnergyConsumption)(device, &more));
	CHECK(more >= large);
	for (int kind = 0; kind < 4; kind++) {
		SAME(NVML_SUCCESS, CALL(nvmlDeviceGetClockInfo)(device, kind, &number));
		SAME(NVML_SUCCESS, CALL(nvmlDeviceGetMaxClockInfo)(device, kind, &period));
		CHECK(number <= period);
	}
	SAME(NVML_INVALID_ARGUMENT, CALL(nvmlDeviceGetClockInfo)(device, 4, &number));
	SAME(NVML_SUCCESS, CALL(nvmlDeviceGetCurrentClocksEventReasons)(device, &large));
	SAME(1, large);
	int state = -1;
	SAME(NVML_SUCCESS, CALL(nvmlDeviceGetPerformanceState)(device, &state));
	SAME(NVML_SUCCESS, CALL(nvmlDeviceGetPcieThroughput)(device, 0, &number));
	SAME(NVML_INVALID_ARGUMENT, CALL(nvmlDeviceGetPcieThroughput)(device, 2, &number));
	SAME(NVML_SUCCESS, CALL(nvmlDeviceGetEncoderUtilization)(device, &number, &period));
	SAME(NVML_SUCCESS, CALL(nvmlDeviceGetDecoderUtilization)(device, &number, &period));
}

static void check_fields(nvml_device device) {
	nvml_field fields[] = {{.field = 1}, {.field = 4}, {.field = 83}, {.field = 138, .scope = 0xffffffffu}, {.field = 145}, {.field = 230}, {.field = 170}, {.field = 9999}, {.field = 94}};
	SAME(NVML_INVALID_ARGUMENT, CALL(nvmlDeviceGetFieldValues)(device, 0, fields));
	SAME(NVML_INVALID_ARGUMENT, CALL(nvmlDeviceGetFieldValues)(device, 1, NULL));
	SAME(NVML_SUCCESS, CALL(nvmlDeviceGetFieldValues)(device, (int)(sizeof fields / sizeof *fields), fields));
	SAME(NVML_SUCCESS, fields[0].result);
	SAME(NVML_UINT, fields[0].type);
	SAME(NVML_ULL, fields[1].type);
	SAME(0, fields[1].value.large);
	SAME(NVML_SUCCESS, fields[2].result);
	CHECK(fields[3].result == NVML_SUCCESS || fields[3].result == NVML_NOT_SUPPORTED);
	SAME(0, fields[4].value.number);
	SAME(0, fields[5].value.number);
	SAME(NVML_NOT_SUPPORTED, fields[6].result);
	SAME(NVML_INVALID_ARGUMENT, fields[7].result);
	CHECK(fields[8].time_us > 1000000);
}

void check_device(nvml_device device, u32 index) {
	check_handles(device, index);
	check_stats(device);
	check_fields(device);
	int major = 0, minor = -1, brand = 0;
	u32 number = 0;
	char part[80];
	SAME(NVML_SUCCESS, CALL(nvmlDeviceGetCudaComputeCapability)(device, &major, &minor));
	CHECK(major >= 8);
	SAME(NVML_SUCCESS, CALL(nvmlDeviceGetArchitecture)(device, &number));
	CHECK(number >= 7);
	SAME(NVML_SUCCESS, CALL(nvmlDeviceGetBrand)(device, &brand));
	SAME(NVML_SUCCESS, CALL(nvmlDeviceGetMinorNumber)(device, &number));
	SAME(NVML_SUCCESS, CALL(nvmlDeviceGetBoardId)(device, &number));
	SAME(NVML_SUCCESS, CALL(nvmlDeviceGetBoardPartNumber)(device, part, sizeof part));
}
