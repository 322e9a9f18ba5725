/* nvidia-smi for the simulated driver: what the agent, tests and people use of the real one, in its words and forms.
 *
 *   nvidia-smi                                   the table
 *   nvidia-smi -L                                a line for each GPU
 *   nvidia-smi --query-gpu=F,... --format=csv[,noheader][,nounits]    also --query-compute-apps
 *   nvidia-smi topo -m                           links and nearness
 *   nvidia-smi --gpu-reset|-r | -pm 0|1 | -c 0|2|3 | -pl WATTS        root only
 * with -i INDEX|UUID|PCI,... for some of the GPUs. Exit status: 0, NVML's code, 2 usage, 6 no such GPU, 9 no driver. */
#define _GNU_SOURCE
#include "client.h"
#include "smi.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void smi_fail(const char *what, nvml_result code) {
	printf("%s: %s\n", what, nvmlErrorString(code));
	exit(code > 0 && code < 255 ? code : 255);
}

static void start(void) {
	nvml_result result = nvmlInit_v2();
	if (result == NVML_DRIVER_NOT_LOADED) {
		printf("NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver. Make sure that the latest NVIDIA driver is installed and running.\n\n");
		exit(9);
	}
	if (result != NVML_SUCCESS)
		smi_fail("Failed to initialize NVML", result);
}

static nvml_result find(const char *name, nvml_device *device) {
	char *end;
	unsigned long index = strtoul(name, &end, 10);
	if (*name != 0 && *end == 0)
		return nvmlDeviceGetHandleByIndex_v2((u32)index, device);
	if (strncmp(name, "GPU-", 4) == 0)
		return nvmlDeviceGetHandleByUUID(name, device);
	return nvmlDeviceGetHandleByPciBusId_v2(name, device);
}

static void add(struct selection *to, nvml_device device) {
	if (to->count < sizeof to->device / sizeof *to->device)
		to->device[to->count++] = device;
}

/* Code of a GPU that could not be asked: the exit status of what else went well. */
static nvml_result lost;

static void choose(struct selection *to, char *wanted) {
	if (wanted == NULL) {
		u32 count = 0;
		nvml_result result = nvmlDeviceGetCount_v2(&count);
		for (u32 i = 0; i < count && result == NVML_SUCCESS; i++) {
			nvml_device device;
			result = nvmlDeviceGetHandleByIndex_v2(i, &device);
			if (result == NVML_SUCCESS)
				add(to, device);
			/* One that is lost does not hide the others. */
			if (result == NVML_GPU_IS_LOST) {
				printf("Unable to determine the device handle for GPU%u: %s\n", i, nvmlErrorString(result));
				lost = result;
				result = NVML_SUCCESS;
			}
		}
		if (result != NVML_SUCCESS)
			smi_fail("Unable to determine the device handle for a GPU", result);
		return;
	}
	char *rest = wanted;
	for (char *name; (name = strsep(&rest, ",")) != NULL;) {
		nvml_device device;
		nvml_result result = find(name, &device);
		if (result == NVML_INVALID_ARGUMENT || result == NVML_NOT_FOUND) {
			printf("No devices were found\n");
			exit(6);
		}
		if (result != NVML_SUCCESS) {
			char what[160];
			snprintf(what, sizeof what, "Unable to determine the device handle for GPU %s", name);
			smi_fail(what, result);
		}
		add(to, device);
	}
}

static void bus_id(nvml_device device, char *out, size_t size) {
	nvml_pci_info pci;
	nvml_result result = nvmlDeviceGetPciInfo_v3(device, &pci);
	snprintf(out, size, "%s", result == NVML_SUCCESS ? pci.bus_id : "[Unknown]");
}

static int list(const struct selection *all) {
	if (all->count == 0) {
		printf("No devices found.\n");
		return 0;
	}
	for (u32 i = 0; i < all->count; i++) {
		char name[96] = "[Unknown]", uuid[96] = "[Unknown]";
		u32 index = i;
		nvmlDeviceGetIndex(all->device[i], &index);
		nvmlDeviceGetName(all->device[i], name, sizeof name);
		nvml_result result = nvmlDeviceGetUUID(all->device[i], uuid, sizeof uuid);
		if (result != NVML_SUCCESS)
			smi_fail("Unable to determine the device handle for a GPU", result);
		printf("GPU %u: %s (UUID: %s)\n", index, name, uuid);
	}
	return 0;
}

static uint32_t number_of(nvml_device device) {
	nvml_pci_info pci;
	if (nvmlDeviceGetPciInfo_v3(device, &pci) == NVML_SUCCESS)
		for (uint32_t i = 0; i < sim->gpus; i++)
			if (sim->gpu[i].pci.domain == pci.domain && sim->gpu[i].pci.bus == pci.bus && sim->gpu[i].pci.device == pci.device)
				return i;
	return SIM_GPUS;
}

/* Not through NVML, which has no call for it: the real one goes to the driver as well. */
static int reset(const struct selection *all) {
	for (u32 i = 0; i < all->count; i++) {
		char bus[40];
		bus_id(all->device[i], bus, sizeof bus);
		if (geteuid() != 0 || !sim_writable()) {
			printf("GPU Reset couldn't run because of insufficient permissions: GPU %s\n", bus);
			return NVML_NO_PERMISSION;
		}
		uint32_t gpu = number_of(all->device[i]);
		int fault = sim_fault("gpu-reset", (int)gpu);
		if (fault != 0)
			smi_fail("Unable to reset this GPU", fault);
		if (gpu == SIM_GPUS || sim->gpu[gpu].lost)
			smi_fail("Unable to reset this GPU", NVML_GPU_IS_LOST);
		pid_t holder;
		sim_lock();
		bool done = sim_reset(gpu, &holder);
		sim_unlock();
		if (!done) {
			printf("GPU %s is currently in use by another process (pid %d).\n\n1 device is being used by one or more other processes. Please first stop all of them.\n", bus, (int)holder);
			return NVML_IN_USE;
		}
		printf("GPU %s was successfully reset.\n", bus);
	}
	printf("All done.\n");
	return 0;
}

static int set(const struct selection *all, const char *option, const char *value) {
	char *end;
	unsigned long number = strtoul(value, &end, 10);
	if (*end != 0 || *value == 0) {
		printf("Invalid argument for %s: %s\n", option, value);
		return 2;
	}
	for (u32 i = 0; i < all->count; i++) {
		char bus[40];
		bus_id(all->device[i], bus, sizeof bus);
		nvml_result result;
		if (strcmp(option, "-pm") == 0)
			result = nvmlDeviceSetPersistenceMode(all->device[i], (int)number);
		else if (strcmp(option, "-c") == 0)
			result = nvmlDeviceSetComputeMode(all->device[i], (int)number);
		else
			result = nvmlDeviceSetPowerManagementLimit(all->device[i], (u32)number * 1000);
		if (result != NVML_SUCCESS) {
			char what[128];
			snprintf(what, sizeof what, "Unable to set %s for GPU %s", option, bus);
			smi_fail(what, result);
		}
		printf("Set %s to %lu for GPU %s.\n", option, number, bus);
	}
	printf("All done.\n");
	return 0;
}

static const char *after(const char *argument, const char *key) {
	size_t length = strlen(key);
	return strncmp(argument, key, length) == 0 && argument[length] == '=' ? argument + length + 1 : NULL;
}

struct request {
	const char *gpu_fields, *app_fields, *format, *set_option, *set_value;
	char *ids;
	bool listing, resetting, topology;
};

static bool parse(int argc, char **argv, struct request *r) {
	for (int i = 1; i < argc; i++) {
		const char *found;
		char *next = i + 1 < argc ? argv[i + 1] : NULL;
		if (strcmp(argv[i], "-L") == 0 || strcmp(argv[i], "--list-gpus") == 0)
			r->listing = true;
		else if (strcmp(argv[i], "--gpu-reset") == 0 || strcmp(argv[i], "-r") == 0)
			r->resetting = true;
		else if (strcmp(argv[i], "topo") == 0 && next != NULL && strcmp(next, "-m") == 0 && i++ > 0)
			r->topology = true;
		else if ((found = after(argv[i], "--query-gpu")) != NULL)
			r->gpu_fields = found;
		else if ((found = after(argv[i], "--query-compute-apps")) != NULL)
			r->app_fields = found;
		else if ((found = after(argv[i], "--format")) != NULL)
			r->format = found;
		else if ((found = after(argv[i], "--id")) != NULL)
			r->ids = strdup(found);
		else if (next == NULL)
			return false;
		else if (strcmp(argv[i], "-i") == 0)
			r->ids = strdup(argv[++i]);
		else if (strcmp(argv[i], "-pm") == 0 || strcmp(argv[i], "-c") == 0 || strcmp(argv[i], "-pl") == 0) {
			r->set_option = argv[i];
			r->set_value = argv[++i];
		} else
			return false;
	}
	return (r->gpu_fields == NULL && r->app_fields == NULL) || r->format != NULL;
}

int main(int argc, char **argv) {
	struct request r = {0};
	if (!parse(argc, argv, &r)) {
		printf("Invalid combination of input arguments. This nvidia-smi of the simulator knows -L, -i, --query-gpu and --query-compute-apps with --format=csv, topo -m, --gpu-reset, -pm, -c and -pl.\n");
		return 2;
	}
	start();
	struct selection all = {.count = 0};
	choose(&all, r.ids);
	int status;
	if (r.listing)
		status = list(&all);
	else if (r.resetting)
		status = reset(&all);
	else if (r.topology)
		status = smi_topology(&all);
	else if (r.set_option != NULL)
		status = set(&all, r.set_option, r.set_value);
	else if (r.gpu_fields != NULL)
		status = smi_query_gpu(&all, r.gpu_fields, r.format);
	else if (r.app_fields != NULL)
		status = smi_query_apps(&all, r.app_fields, r.format);
	else
		status = smi_table(&all);
	free(r.ids);
	nvmlShutdown();
	return status != 0 ? status : lost;
}
