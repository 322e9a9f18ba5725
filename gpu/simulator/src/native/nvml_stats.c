/* What a device does: memory, load, clocks, power. */
#define _GNU_SOURCE
#include "library.h"

static uint64_t used_now(uint32_t gpu) {
	sim_lock();
	uint64_t used = sim_used_bytes(gpu);
	sim_unlock();
	return used;
}

EXPORT nvml_result nvmlDeviceGetMemoryInfo(nvml_device device, nvml_memory *memory) {
	ENTER(device);
	NEED(memory);
	memory->total = g->memory_bytes;
	memory->used = used_now(gpu) + g->reserved_bytes;
	memory->free = memory->total - memory->used;
	return NVML_SUCCESS;
}

EXPORT nvml_result nvmlDeviceGetMemoryInfo_v2(nvml_device device, nvml_memory_v2 *memory) {
	ENTER(device);
	NEED(memory);
	NEED_VERSION(memory, nvml_memory_v2, 2);
	memory->total = g->memory_bytes;
	memory->reserved = g->reserved_bytes;
	memory->used = used_now(gpu);
	memory->free = memory->total - memory->reserved - memory->used;
	return NVML_SUCCESS;
}

EXPORT nvml_result nvmlDeviceGetBAR1MemoryInfo(nvml_device device, nvml_memory *memory) {
	ENTER(device);
	NEED(memory);
	if (g->bar1_bytes == 0)
		return NVML_NOT_SUPPORTED;
	uint64_t used = UINT64_C(1) << 20;
	memory->total = g->bar1_bytes;
	memory->used = used;
	memory->free = g->bar1_bytes - used;
	return NVML_SUCCESS;
}

EXPORT nvml_result nvmlDeviceGetUtilizationRates(nvml_device device, nvml_utilization *rates) {
	ENTER(device);
	NEED(rates);
	sim_lock();
	uint64_t used = sim_used_bytes(gpu);
	rates->gpu = sim_load(gpu);
	rates->memory = rates->gpu == 0 ? 0 : (u32)(used * 100 / g->memory_bytes);
	sim_unlock();
	return NVML_SUCCESS;
}

EXPORT nvml_result nvmlDeviceGetTemperature(nvml_device device, int sensor, u32 *temperature) {
	ENTER(device);
	NEED(temperature);
	if (sensor != 0)
		return NVML_INVALID_ARGUMENT;
	sim_lock();
	*temperature = sim_temperature(gpu);
	sim_unlock();
	return NVML_SUCCESS;
}

EXPORT nvml_result nvmlDeviceGetTemperatureV(nvml_device device, nvml_temperature *temperature) {
	ENTER(device);
	NEED(temperature);
	NEED_VERSION(temperature, nvml_temperature, 1);
	if (temperature->sensor != 0)
		return NVML_INVALID_ARGUMENT;
	sim_lock();
	temperature->temperature = (int)sim_temperature(gpu);
	sim_unlock();
	return NVML_SUCCESS;
}

/* Thresholds: 0 shutdown, 1 slowdown, 2 memory, 3 GPU maximum. */
EXPORT nvml_result nvmlDeviceGetTemperatureThreshold(nvml_device device, int threshold, u32 *temperature) {
	ENTER(device);
	NEED(temperature);
	switch (threshold) {
	case 0:
		*temperature = g->temperature_shutdown;
		return NVML_SUCCESS;
	case 1:
		*temperature = g->temperature_slowdown;
		return NVML_SUCCESS;
	case 3:
		*temperature = g->temperature_slowdown - 2;
		return NVML_SUCCESS;
	default:
		return threshold < 0 || threshold > 7 ? NVML_INVALID_ARGUMENT : NVML_NOT_SUPPORTED;
	}
}

EXPORT nvml_result nvmlDeviceGetPowerUsage(nvml_device device, u32 *milliwatts) {
	ENTER(device);
	NEED(milliwatts);
	sim_lock();
	*milliwatts = sim_power_mw(gpu);
	sim_unlock();
	return NVML_SUCCESS;
}

EXPORT nvml_result nvmlDeviceGetTotalEnergyConsumption(nvml_device device, u64 *millijoules) {
	ENTER(device);
	NEED(millijoules);
	*millijoules = sim_energy_mj(gpu);
	return NVML_SUCCESS;
}

static nvml_result clock_of(uint32_t gpu, int kind, int most, u32 *mhz) {
	const struct sim_gpu *g = &sim->gpu[gpu];
	if (kind < 0 || kind > 3)
		return NVML_INVALID_ARGUMENT;
	sim_lock();
	*mhz = most || sim_load(gpu) > 0 ? g->clock_max_mhz[kind] : g->clock_idle_mhz[kind];
	sim_unlock();
	return NVML_SUCCESS;
}

EXPORT nvml_result nvmlDeviceGetClockInfo(nvml_device device, int kind, u32 *mhz) {
	ENTER(device);
	NEED(mhz);
	return clock_of(gpu, kind, 0, mhz);
}

EXPORT nvml_result nvmlDeviceGetMaxClockInfo(nvml_device device, int kind, u32 *mhz) {
	ENTER(device);
	NEED(mhz);
	return clock_of(gpu, kind, 1, mhz);
}

static uint64_t clock_reasons(uint32_t gpu) {
	sim_lock();
	uint64_t reasons = sim->gpu[gpu].clock_reasons | (sim_load(gpu) == 0 ? 1 : 0);
	sim_unlock();
	return reasons;
}

EXPORT nvml_result nvmlDeviceGetCurrentClocksEventReasons(nvml_device device, u64 *reasons) {
	ENTER(device);
	NEED(reasons);
	*reasons = clock_reasons(gpu);
	return NVML_SUCCESS;
}

EXPORT nvml_result nvmlDeviceGetCurrentClocksThrottleReasons(nvml_device device, u64 *reasons) {
	ENTER(device);
	NEED(reasons);
	*reasons = clock_reasons(gpu);
	return NVML_SUCCESS;
}

EXPORT nvml_result nvmlDeviceGetPerformanceState(nvml_device device, int *state) {
	ENTER(device);
	NEED(state);
	*state = 0;
	return NVML_SUCCESS;
}

EXPORT nvml_result nvmlDeviceGetPcieThroughput(nvml_device device, int counter, u32 *kib_per_second) {
	ENTER(device);
	NEED(kib_per_second);
	if (counter != 0 && counter != 1)
		return NVML_INVALID_ARGUMENT;
	/* The real one measures for about this long. */
	sim_sleep_until(sim_boot_ns() + UINT64_C(20000000));
	sim_lock();
	*kib_per_second = sim_load(gpu) * 10000;
	sim_unlock();
	return NVML_SUCCESS;
}

EXPORT nvml_result nvmlDeviceGetPcieReplayCounter(nvml_device device, u32 *replays) {
	ENTER(device);
	NEED(replays);
	*replays = (u32)SIM_LOAD(g->pcie_replays);
	return NVML_SUCCESS;
}

static nvml_result media(u32 *utilization, u32 *period_us) {
	NEED(utilization);
	NEED(period_us);
	*utilization = 0;
	*period_us = 167000;
	return NVML_SUCCESS;
}

EXPORT nvml_result nvmlDeviceGetEncoderUtilization(nvml_device device, u32 *utilization, u32 *period_us) {
	ENTER(device);
	return media(utilization, period_us);
}

EXPORT nvml_result nvmlDeviceGetDecoderUtilization(nvml_device device, u32 *utilization, u32 *period_us) {
	ENTER(device);
	return media(utilization, period_us);
}
