/* nvidia-smi of the simulator. */
#ifndef BERTH_SIMULATOR_SMI_H
#define BERTH_SIMULATOR_SMI_H

#include "calls.h"

/* The GPUs that a command is about. */
struct selection {
	nvml_device device[16];
	u32 count;
};

/* Ends with NVML's words for a code, and the code as the status. */
void smi_fail(const char *what, nvml_result code) __attribute__((noreturn));

/* --query-gpu=FIELDS and --query-compute-apps=FIELDS with --format=csv[,noheader][,nounits]: the exit status. */
int smi_query_gpu(const struct selection *all, const char *fields, const char *format);
int smi_query_apps(const struct selection *all, const char *fields, const char *format);
int smi_table(const struct selection *all);
int smi_topology(const struct selection *all);
#endif
