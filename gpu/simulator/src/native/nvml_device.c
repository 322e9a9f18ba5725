/* What a device is. */
#define _GNU_SOURCE
#include "library.h"

#include <stdio.h>
#include <string.h>

EXPORT nvml_result nvmlDeviceGetIndex(nvml_device device, u32 *index) {
	ENTER_FACT(device);
	NEED(index);
	*index = library_index(gpu);
	return NVML_SUCCESS;
}

EXPORT nvml_result nvmlDeviceGetMinorNumber(nvml_device device, u32 *minor) {
	ENTER_FACT(device);
	NEED(minor);
	*minor = g->minor;
	return NVML_SUCCESS;
}

EXPORT nvml_result nvmlDeviceGetUUID(nvml_device device, char *uuid, u32 length) {
	ENTER_FACT(device);
	return library_text(g->uuid, uuid, length);
}

EXPORT nvml_result nvmlDeviceGetName(nvml_device device, char *name, u32 length) {
	ENTER_FACT(device);
	return library_text(g->name, name, length);
}

EXPORT nvml_result nvmlDeviceGetSerial(nvml_device device, char *serial, u32 length) {
	ENTER_FACT(device);
	return g->serial[0] == 0 ? NVML_NOT_SUPPORTED : library_text(g->serial, serial, length);
}

EXPORT nvml_result nvmlDeviceGetBoardPartNumber(nvml_device device, char *part, u32 length) {
	ENTER_FACT(device);
	return g->board_part[0] == 0 ? NVML_NOT_SUPPORTED : library_text(g->board_part, part, length);
}

EXPORT nvml_result nvmlDeviceGetPciInfo_v3(nvml_device device, nvml_pci_info *pci) {
	ENTER_FACT(device);
	NEED(pci);
	memset(pci, 0, sizeof *pci);
	library_pci_text(&g->pci, 4, pci->bus_id_legacy, sizeof pci->bus_id_legacy);
	library_pci_text(&g->pci, 8, pci->bus_id, sizeof pci->bus_id);
	pci->domain = g->pci.domain;
	pci->bus = g->pci.bus;
	pci->device = g->pci.device;
	pci->pci_device_id = g->pci_device_id;
	pci->pci_subsystem_id = g->pci_subsystem_id;
	return NVML_SUCCESS;
}

EXPORT nvml_result nvmlDeviceGetPciInfoExt(nvml_device device, nvml_pci_info_ext *pci) {
	ENTER_FACT(device);
	NEED(pci);
	NEED_VERSION(pci, nvml_pci_info_ext, 1);
	library_pci_text(&g->pci, 8, pci->bus_id, sizeof pci->bus_id);
	pci->domain = g->pci.domain;
	pci->bus = g->pci.bus;
	pci->device = g->pci.device;
	pci->pci_device_id = g->pci_device_id;
	pci->pci_subsystem_id = g->pci_subsystem_id;
	pci->base_class = 3;
	pci->sub_class = 2;
	return NVML_SUCCESS;
}

EXPORT nvml_result nvmlDeviceGetBrand(nvml_device device, int *brand) {
	ENTER_FACT(device);
	NEED(brand);
	*brand = (int)g->brand;
	return NVML_SUCCESS;
}

EXPORT nvml_result nvmlDeviceGetArchitecture(nvml_device device, u32 *architecture) {
	ENTER_FACT(device);
	NEED(architecture);
	*architecture = g->architecture;
	return NVML_SUCCESS;
}

EXPORT nvml_result nvmlDeviceGetCudaComputeCapability(nvml_device device, int *major, int *minor) {
	ENTER_FACT(device);
	NEED(major);
	NEED(minor);
	*major = (int)g->compute_major;
	*minor = (int)g->compute_minor;
	return NVML_SUCCESS;
}

EXPORT nvml_result nvmlDeviceGetBoardId(nvml_device device, u32 *board) {
	ENTER_FACT(device);
	NEED(board);
	*board = g->pci.domain << 16 | g->pci.bus << 8;
	return NVML_SUCCESS;
}

EXPORT nvml_result nvmlDeviceGetPlatformInfo(nvml_device device, nvml_platform *platform) {
	ENTER_FACT(device);
	NEED(platform);
	NEED_VERSION(platform, nvml_platform, 2);
	return NVML_NOT_SUPPORTED;
}
