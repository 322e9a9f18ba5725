/* The tables of nvidia-smi. */
#define _GNU_SOURCE
#include "smi.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define LINE "+-----------------------------------------------------------------------------------------+\n"
#define PARTS "+-----------------------------------------+------------------------+----------------------+\n"
#define HEAVY "|=========================================+========================+======================|\n"

static void gpu_rows(nvml_device d) {
	char name[96] = "[Unknown]", bus[40] = "[Unknown]", power[32] = "N/A", memory[64] = "N/A", volatile_errors[24] = "N/A", temperature[16] = "N/A", load[16] = "N/A";
	int persistence = 0, compute = 0, state = 0;
	u32 index = 0, draw = 0, limit = 0, degrees = 0, current = 0, pending = 0;
	u64 errors = 0;
	nvml_pci_info pci;
	nvml_memory_v2 m = {.version = NVML_VERSION_WORD(nvml_memory_v2, 2)};
	nvml_utilization rates = {0, 0};
	nvmlDeviceGetIndex(d, &index);
	nvml_result condition = nvmlDeviceGetName(d, name, sizeof name);
	if (nvmlDeviceGetPciInfo_v3(d, &pci) == NVML_SUCCESS)
		snprintf(bus, sizeof bus, "%s", pci.bus_id);
	nvmlDeviceGetPersistenceMode(d, &persistence);
	nvmlDeviceGetComputeMode(d, &compute);
	nvmlDeviceGetPerformanceState(d, &state);
	if (nvmlDeviceGetPowerUsage(d, &draw) == NVML_SUCCESS && nvmlDeviceGetPowerManagementLimit(d, &limit) == NVML_SUCCESS)
		snprintf(power, sizeof power, "%uW / %4uW", draw / 1000, limit / 1000);
	nvml_result read = nvmlDeviceGetMemoryInfo_v2(d, &m);
	if (read == NVML_SUCCESS)
		snprintf(memory, sizeof memory, "%lluMiB / %6lluMiB", m.used >> 20, m.total >> 20);
	if (nvmlDeviceGetTemperature(d, 0, &degrees) == NVML_SUCCESS)
		snprintf(temperature, sizeof temperature, "%uC", degrees);
	if (nvmlDeviceGetUtilizationRates(d, &rates) == NVML_SUCCESS)
		snprintf(load, sizeof load, "%u%%", rates.gpu);
	if (nvmlDeviceGetTotalEccErrors(d, 1, 0, &errors) == NVML_SUCCESS)
		snprintf(volatile_errors, sizeof volatile_errors, "%llu", errors);
	const char *mig = nvmlDeviceGetMigMode(d, &current, &pending) != NVML_SUCCESS ? "N/A" : current ? "Enabled" : "Disabled";
	const char *const modes[] = {"Default", "E. Thread", "Prohibited", "E. Process"};
	printf("| %3u  %-27.27s %3s    |   %-16s %3s | %20s |\n", index, name, persistence ? "On" : "Off", bus, "Off", volatile_errors);
	if (condition != NVML_SUCCESS || read != NVML_SUCCESS)
		printf("| %-39.39s | %-22s | %-20s |\n", nvmlErrorString(condition != NVML_SUCCESS ? condition : read), "", "");
	else
		printf("| N/A  %4s    P%d            %12s | %22s | %7s %12s |\n", temperature, state, power, memory, load, modes[compute & 3]);
	printf("| %-39s | %-22s | %20s |\n" PARTS, "", "", mig);
}

static int processes(nvml_device d) {
	nvml_process found[256];
	u32 index = 0, count = 256;
	nvmlDeviceGetIndex(d, &index);
	if (nvmlDeviceGetComputeRunningProcesses_v3(d, &count, found) != NVML_SUCCESS)
		return 0;
	for (u32 i = 0; i < count; i++) {
		char name[128] = "[Not Found]";
		nvmlSystemGetProcessName(found[i].pid, name, sizeof name);
		size_t length = strlen(name);
		printf("| %4u   N/A  N/A %16u      C   %-33s %8lluMiB |\n", index, found[i].pid, length > 33 ? name + length - 33 : name, found[i].used >> 20);
	}
	return (int)count;
}

int smi_table(const struct selection *all) {
	char driver[80] = "", when[64];
	int cuda = 0;
	time_t now = time(NULL);
	struct tm tm;
	strftime(when, sizeof when, "%a %b %e %H:%M:%S %Y", localtime_r(&now, &tm));
	nvmlSystemGetDriverVersion(driver, sizeof driver);
	nvmlSystemGetCudaDriverVersion_v2(&cuda);
	char version[16];
	snprintf(version, sizeof version, "%d.%d", cuda / 1000, cuda % 1000 / 10);
	printf("%s\n" LINE, when);
	printf("| NVIDIA-SMI %-20s  Driver Version: %-17s  CUDA Version: %-6s|\n" PARTS, "(simulated)", driver, version);
	printf("| GPU  Name                 Persistence-M | Bus-Id          Disp.A | Volatile Uncorr. ECC |\n");
	printf("| Fan  Temp   Perf          Pwr:Usage/Cap |           Memory-Usage | GPU-Util  Compute M. |\n");
	printf("| %-39s | %-22s | %20s |\n" HEAVY, "", "", "MIG M.");
	if (all->count == 0)
		printf("| No devices were found                   |                        |                      |\n" PARTS);
	for (u32 i = 0; i < all->count; i++)
		gpu_rows(all->device[i]);
	printf("\n" LINE "| %-87s |\n", "Processes:");
	printf("|  GPU   GI   CI              PID   Type   Process name                        GPU Memory |\n");
	printf("|=========================================================================================|\n");
	int any = 0;
	for (u32 i = 0; i < all->count; i++)
		any += processes(all->device[i]);
	if (!any)
		printf("|  %-86s |\n", "No running processes found");
	printf(LINE);
	return 0;
}

static u32 links_of(nvml_device d) {
	u32 active = 0;
	for (u32 link = 0; link < 36; link++) {
		int on = 0;
		if (nvmlDeviceGetNvLinkState(d, link, &on) == NVML_SUCCESS && on)
			active++;
	}
	return active;
}

int smi_topology(const struct selection *all) {
	printf("\t");
	for (u32 i = 0; i < all->count; i++)
		printf("GPU%u\t", i);
	printf("NUMA Affinity\n");
	for (u32 i = 0; i < all->count; i++) {
		printf("GPU%u\t", i);
		for (u32 j = 0; j < all->count; j++) {
			int level = 50, joined = 5;
			nvmlDeviceGetTopologyCommonAncestor(all->device[i], all->device[j], &level);
			nvmlDeviceGetP2PStatus(all->device[i], all->device[j], 2, &joined);
			if (i == j)
				printf(" X \t");
			else if (joined == 0)
				printf("NV%u\t", links_of(all->device[i]));
			else
				printf("%s\t", level <= 10 ? "PIX" : level <= 20 ? "PXB" : level <= 30 ? "PHB" : level <= 40 ? "NODE" : "SYS");
		}
		u32 node = 0;
		if (nvmlDeviceGetNumaNodeId(all->device[i], &node) == NVML_SUCCESS)
			printf("%u\n", node);
		else
			printf("N/A\n");
	}
	return 0;
}
