/* Field values: many readings in one call. */
#define _GNU_SOURCE
#include "library.h"

static nvml_result number(nvml_field *field, u32 value) {
	field->type = NVML_UINT;
	field->value.large = 0;
	field->value.number = value;
	return NVML_SUCCESS;
}

static nvml_result large(nvml_field *field, u64 value) {
	field->type = NVML_ULL;
	field->value.large = value;
	return NVML_SUCCESS;
}

/* Data over one link, or over all of them (scope UINT_MAX): follows the energy, so that it grows with work and never falls. */
static nvml_result link_data(nvml_field *field, const struct sim_gpu *g, uint32_t gpu) {
	if (g->links == 0)
		return NVML_NOT_SUPPORTED;
	if (field->scope != UINT32_MAX && field->scope >= g->links)
		return NVML_INVALID_ARGUMENT;
	u64 idle = (sim_boot_ns() - sim->made_ns) / UINT64_C(1000000) * g->power_idle_mw / 1000;
	u64 energy = sim_energy_mj(gpu);
	u64 each = energy > idle ? (energy - idle) / 10 : 0;
	return large(field, field->scope == UINT32_MAX ? each * g->links : each);
}

static nvml_result power(nvml_field *field, uint32_t gpu) {
	sim_lock();
	u32 milliwatts = sim_power_mw(gpu);
	sim_unlock();
	return number(field, milliwatts);
}

static nvml_result memory_temperature(nvml_field *field, uint32_t gpu) {
	sim_lock();
	u32 degrees = sim_temperature(gpu) + 8;
	sim_unlock();
	return number(field, degrees);
}

static nvml_result ecc(nvml_field *field, const struct sim_gpu *g) {
	if (!g->ecc_supported)
		return NVML_NOT_SUPPORTED;
	switch (field->field) {
	case 1:
		return number(field, SIM_LOAD(g->ecc_current));
	case 2:
		return number(field, SIM_LOAD(g->ecc_pending));
	case 3:
	case 4:
		return large(field, SIM_LOAD(g->ecc_volatile[field->field - 3]));
	default:
		return large(field, SIM_LOAD(g->ecc_aggregate[field->field - 5]));
	}
}

static nvml_result read_field(nvml_field *field, uint32_t gpu) {
	const struct sim_gpu *g = &sim->gpu[gpu];
	switch (field->field) {
	case 1:
	case 2:
	case 3:
	case 4:
	case 5:
	case 6:
		return ecc(field, g);
	case 82:
		return memory_temperature(field, gpu);
	case 83:
		return large(field, sim_energy_mj(gpu));
	case 91:
		return g->links == 0 ? NVML_NOT_SUPPORTED : number(field, g->links);
	case 94:
		return number(field, (u32)SIM_LOAD(g->pcie_replays));
	case 138:
	case 139:
		return link_data(field, g, gpu);
	case 142:
		return number(field, SIM_LOAD(g->remap_correctable));
	case 143:
		return number(field, SIM_LOAD(g->remap_uncorrectable));
	case 144:
		return number(field, SIM_LOAD(g->remap_pending));
	case 145:
		return number(field, SIM_LOAD(g->remap_failure));
	case 184:
		return g->mig_supported ? number(field, g->architecture >= 9) : NVML_NOT_SUPPORTED;
	case 185:
	case 186:
		return power(field, gpu);
	case 197:
	case 198:
		return large(field, sim_energy_mj(gpu) * 100);
	case 226:
		return number(field, SIM_LOAD(g->reset_required) || SIM_LOAD(g->recovery_action) == 1);
	case 227:
		return number(field, SIM_LOAD(g->recovery_action) == 4);
	case 230:
		return number(field, SIM_LOAD(g->recovery_action));
	case 269:
	case 270:
	case 271:
		return large(field, 0);
	default:
		if (field->field >= 173 && field->field <= 183)
			return number(field, 0);
		return field->field == 0 || field->field > 300 ? NVML_INVALID_ARGUMENT : NVML_NOT_SUPPORTED;
	}
}

EXPORT nvml_result nvmlDeviceGetFieldValues(nvml_device device, int count, nvml_field *fields) {
	/* A GPU in need of a reset still says so in here. */
	ENTER_FACT(device);
	NEED(fields);
	if (count <= 0)
		return NVML_INVALID_ARGUMENT;
	for (int i = 0; i < count; i++) {
		uint64_t start = sim_boot_ns();
		fields[i].result = read_field(&fields[i], gpu);
		fields[i].time_us = (int64_t)sim_real_us();
		fields[i].latency_us = (int64_t)((sim_boot_ns() - start) / 1000);
	}
	return NVML_SUCCESS;
}

EXPORT nvml_result nvmlDeviceClearFieldValues(nvml_device device, int count, nvml_field *fields) {
	ENTER(device);
	NEED(fields);
	return count <= 0 ? NVML_INVALID_ARGUMENT : NVML_NOT_SUPPORTED;
}
