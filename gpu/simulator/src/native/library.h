/* How the library's entry points begin and end. */
#ifndef BERTH_SIMULATOR_LIBRARY_H
#define BERTH_SIMULATOR_LIBRARY_H

#include "calls.h"
#include "client.h"
#include "nvml.h"

#define EXPORT __attribute__((visibility("default")))

/* The GPU that a handle of this initialization names, or -1. */
int library_gpu(nvml_device device);
nvml_device library_handle(uint32_t gpu);
/* GPUs in the order of their PCI addresses that this process saw at nvmlInit; their count is returned. */
uint32_t library_visible(uint32_t *out);
/* The index of `gpu` among them. */
uint32_t library_index(uint32_t gpu);

/* What every call does first: initialized? versions agree? faults; then what the GPU's condition says. `fact`: a call that a GPU in need of a reset still answers. */
nvml_result library_enter(const char *function, int gpu, int fact);
/* The same for a call about a device: resolves the handle into `gpu`. */
nvml_result library_enter_device(const char *function, nvml_device device, int fact, uint32_t *gpu);

/* Whether the caller may change what only root may. */
int library_root(void);

/* Copies a string out: NVML_INSUFFICIENT_SIZE where it does not fit. */
nvml_result library_text(const char *text, char *out, u32 size);
void library_pci_text(const struct sim_pci *pci, int domain_digits, char *out, size_t size);
nvml_result library_detach_all(void);
void library_attach_on_use(uint32_t gpu);

#define ENTER_SYSTEM()                                                                                                                                                         \
	do {                                                                                                                                                                       \
		nvml_result entered = library_enter(__func__, -1, 0);                                                                                                                  \
		if (entered != NVML_SUCCESS)                                                                                                                                           \
			return entered;                                                                                                                                                    \
	} while (0)

/* Declares `g`, the GPU's state, and `gpu`, its number. */
#define ENTER_AS(device, fact)                                                                                                                                                 \
	uint32_t gpu = 0;                                                                                                                                                          \
	do {                                                                                                                                                                       \
		nvml_result entered = library_enter_device(__func__, device, fact, &gpu);                                                                                              \
		if (entered != NVML_SUCCESS)                                                                                                                                           \
			return entered;                                                                                                                                                    \
	} while (0);                                                                                                                                                               \
	struct sim_gpu *g = &sim->gpu[gpu];                                                                                                                                        \
	(void)g

#define ENTER(device) ENTER_AS(device, 0)
#define ENTER_FACT(device) ENTER_AS(device, 1)
#define NEED(pointer)                                                                                                                                                          \
	do {                                                                                                                                                                       \
		if ((pointer) == NULL)                                                                                                                                                 \
			return NVML_INVALID_ARGUMENT;                                                                                                                                      \
	} while (0)
#define NEED_VERSION(structure, type, number)                                                                                                                                  \
	do {                                                                                                                                                                       \
		if ((structure)->version != NVML_VERSION_WORD(type, number))                                                                                                           \
			return NVML_ARGUMENT_VERSION_MISMATCH;                                                                                                                             \
	} while (0)
#define NEED_ROOT()                                                                                                                                                            \
	do {                                                                                                                                                                       \
		if (!library_root())                                                                                                                                                   \
			return NVML_NO_PERMISSION;                                                                                                                                         \
	} while (0)
#endif
