/* Errors that the hardware counts. */
#define _GNU_SOURCE
#include "library.h"

#include <string.h>

#define NEED_ECC()                                                                                                                                                             \
	do {                                                                                                                                                                       \
		if (!g->ecc_supported)                                                                                                                                                 \
			return NVML_NOT_SUPPORTED;                                                                                                                                         \
	} while (0)

EXPORT nvml_result nvmlDeviceGetEccMode(nvml_device device, int *current, int *pending) {
	ENTER(device);
	NEED(current);
	NEED(pending);
	NEED_ECC();
	*current = (int)SIM_LOAD(g->ecc_current);
	*pending = (int)SIM_LOAD(g->ecc_pending);
	return NVML_SUCCESS;
}

EXPORT nvml_result nvmlDeviceSetEccMode(nvml_device device, int mode) {
	ENTER(device);
	NEED_ROOT();
	NEED_ECC();
	if (mode != 0 && mode != 1)
		return NVML_INVALID_ARGUMENT;
	SIM_STORE(g->ecc_pending, (uint32_t)mode);
	return NVML_SUCCESS;
}

/* Kind: 0 corrected, 1 uncorrected; counter: 0 volatile, 1 aggregate. */
EXPORT nvml_result nvmlDeviceGetTotalEccErrors(nvml_device device, int kind, int counter, u64 *count) {
	ENTER(device);
	NEED(count);
	if (kind < 0 || kind > 1 || counter < 0 || counter > 1)
		return NVML_INVALID_ARGUMENT;
	NEED_ECC();
	*count = counter == 0 ? SIM_LOAD(g->ecc_volatile[kind]) : SIM_LOAD(g->ecc_aggregate[kind]);
	return NVML_SUCCESS;
}

EXPORT nvml_result nvmlDeviceClearEccErrorCounts(nvml_device device, int counter) {
	ENTER(device);
	NEED_ROOT();
	if (counter < 0 || counter > 1)
		return NVML_INVALID_ARGUMENT;
	NEED_ECC();
	uint64_t *counts = counter == 0 ? g->ecc_volatile : g->ecc_aggregate;
	SIM_STORE(counts[0], 0);
	SIM_STORE(counts[1], 0);
	return NVML_SUCCESS;
}

/* Locations: 0 L1, 1 L2, 2 device memory, 3 register file, 4 texture, 5 shared, 6 CBU, 7 SRAM. These boards count in 2 and 7. */
EXPORT nvml_result nvmlDeviceGetMemoryErrorCounter(nvml_device device, int kind, int counter, int location, u64 *count) {
	ENTER(device);
	NEED(count);
	if (kind < 0 || kind > 1 || counter < 0 || counter > 1 || location < 0 || location > 7)
		return NVML_INVALID_ARGUMENT;
	NEED_ECC();
	if (location == 2)
		*count = counter == 0 ? SIM_LOAD(g->ecc_volatile[kind]) : SIM_LOAD(g->ecc_aggregate[kind]);
	else if (location != 7)
		return NVML_NOT_SUPPORTED;
	else if (kind == 0)
		*count = counter == 0 ? SIM_LOAD(g->sram_volatile_corrected) : SIM_LOAD(g->sram_corrected);
	else
		*count = counter == 0 ? SIM_LOAD(g->sram_volatile_parity) + SIM_LOAD(g->sram_volatile_secded) : SIM_LOAD(g->sram_parity) + SIM_LOAD(g->sram_secded);
	return NVML_SUCCESS;
}

/* Page retirement ended with Volta; boards since remap rows. */
EXPORT nvml_result nvmlDeviceGetRetiredPages_v2(nvml_device device, int cause, u32 *count, u64 *addresses, u64 *times) {
	ENTER(device);
	NEED(count);
	(void)addresses;
	(void)times;
	return cause < 0 || cause > 1 ? NVML_INVALID_ARGUMENT : NVML_NOT_SUPPORTED;
}

EXPORT nvml_result nvmlDeviceGetRetiredPages(nvml_device device, int cause, u32 *count, u64 *addresses) {
	ENTER(device);
	NEED(count);
	(void)addresses;
	return cause < 0 || cause > 1 ? NVML_INVALID_ARGUMENT : NVML_NOT_SUPPORTED;
}

EXPORT nvml_result nvmlDeviceGetRetiredPagesPendingStatus(nvml_device device, int *pending) {
	ENTER(device);
	NEED(pending);
	return NVML_NOT_SUPPORTED;
}

EXPORT nvml_result nvmlDeviceGetRemappedRows(nvml_device device, u32 *correctable, u32 *uncorrectable, u32 *pending, u32 *failed) {
	ENTER(device);
	NEED(correctable);
	NEED(uncorrectable);
	NEED(pending);
	NEED(failed);
	*correctable = SIM_LOAD(g->remap_correctable);
	*uncorrectable = SIM_LOAD(g->remap_uncorrectable);
	*pending = SIM_LOAD(g->remap_pending);
	*failed = SIM_LOAD(g->remap_failure);
	return NVML_SUCCESS;
}

EXPORT nvml_result nvmlDeviceGetRemappedRows_v2(nvml_device device, nvml_remapped_v2 *rows) {
	ENTER(device);
	NEED(rows);
	NEED_VERSION(rows, nvml_remapped_v2, 2);
	rows->correctable = SIM_LOAD(g->remap_correctable);
	rows->uncorrectable = SIM_LOAD(g->remap_uncorrectable);
	rows->correctable_inactive = rows->uncorrectable_inactive = 0;
	rows->pending = SIM_LOAD(g->remap_pending) != 0;
	rows->failure = SIM_LOAD(g->remap_failure) != 0;
	return NVML_SUCCESS;
}

EXPORT nvml_result nvmlDeviceGetRowRemapperHistogram(nvml_device device, nvml_histogram *histogram) {
	ENTER(device);
	NEED(histogram);
	const uint32_t *h = g->remap_histogram;
	*histogram = (nvml_histogram){.max = h[0], .high = h[1], .partial = h[2], .low = h[3], .none = h[4]};
	return NVML_SUCCESS;
}

EXPORT nvml_result nvmlDeviceGetSramEccErrorStatus(nvml_device device, nvml_sram *status) {
	ENTER(device);
	NEED(status);
	NEED_VERSION(status, nvml_sram, 1);
	NEED_ECC();
	status->aggregate_parity = SIM_LOAD(g->sram_parity);
	status->aggregate_secded = SIM_LOAD(g->sram_secded);
	status->aggregate_corrected = SIM_LOAD(g->sram_corrected);
	status->volatile_parity = SIM_LOAD(g->sram_volatile_parity);
	status->volatile_secded = SIM_LOAD(g->sram_volatile_secded);
	status->volatile_corrected = SIM_LOAD(g->sram_volatile_corrected);
	memset(status->buckets, 0, sizeof status->buckets);
	status->threshold_exceeded = SIM_LOAD(g->sram_threshold);
	return NVML_SUCCESS;
}

EXPORT nvml_result nvmlDeviceGetRepairStatus(nvml_device device, nvml_repair *status) {
	ENTER(device);
	NEED(status);
	NEED_VERSION(status, nvml_repair, 1);
	status->channel = SIM_LOAD(g->repair_channel);
	status->tpc = SIM_LOAD(g->repair_tpc);
	return NVML_SUCCESS;
}

EXPORT nvml_result nvmlDeviceValidateInforom(nvml_device device) {
	ENTER(device);
	return SIM_LOAD(g->inforom_corrupted) ? NVML_CORRUPTED_INFOROM : NVML_SUCCESS;
}
