/* --query-gpu and --query-compute-apps. */
#define _GNU_SOURCE
#include "smi.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct style {
	int header, units;
};

/* Where a reading goes: text, or what stands for it. */
struct cell {
	char text[128];
};

static void missing(struct cell *out, nvml_result result) {
	snprintf(out->text, sizeof out->text, "%s", result == NVML_NOT_SUPPORTED ? "[N/A]" : result == NVML_GPU_IS_LOST ? "[GPU is lost]" : result == NVML_RESET_REQUIRED ? "[GPU requires reset]" : "[Unknown Error]");
}

static void mib(struct cell *out, u64 bytes) {
	snprintf(out->text, sizeof out->text, "%llu", bytes >> 20);
}

static nvml_result memory(nvml_device d, char which, struct cell *out) {
	nvml_memory_v2 m = {.version = NVML_VERSION_WORD(nvml_memory_v2, 2)};
	nvml_result result = nvmlDeviceGetMemoryInfo_v2(d, &m);
	mib(out, which == 't' ? m.total : which == 'r' ? m.reserved : which == 'f' ? m.free : m.used);
	return result;
}

static nvml_result read_number(nvml_device d, nvml_result (*call)(nvml_device, u32 *), double factor, int decimals, struct cell *out) {
	u32 value = 0;
	nvml_result result = call(d, &value);
	snprintf(out->text, sizeof out->text, "%.*f", decimals, value * factor);
	return result;
}

static nvml_result field(nvml_device d, u32 id, struct cell *out) {
	nvml_field f = {.field = id};
	nvml_result result = nvmlDeviceGetFieldValues(d, 1, &f);
	snprintf(out->text, sizeof out->text, "%llu", f.type == NVML_UINT ? (u64)f.value.number : f.value.large);
	return result != NVML_SUCCESS ? result : f.result;
}

static nvml_result ecc(nvml_device d, int kind, int counter, struct cell *out) {
	u64 value = 0;
	nvml_result result = nvmlDeviceGetTotalEccErrors(d, kind, counter, &value);
	snprintf(out->text, sizeof out->text, "%llu", value);
	return result;
}

static nvml_result words(nvml_result result, int value, const char *const *names, int count, struct cell *out) {
	snprintf(out->text, sizeof out->text, "%s", value >= 0 && value < count ? names[value] : "[Unknown]");
	return result;
}

static nvml_result clock_reading(nvml_device d, int kind, int most, struct cell *out) {
	u32 mhz = 0;
	nvml_result result = most ? nvmlDeviceGetMaxClockInfo(d, kind, &mhz) : nvmlDeviceGetClockInfo(d, kind, &mhz);
	snprintf(out->text, sizeof out->text, "%u", mhz);
	return result;
}

static nvml_result temperature(nvml_device d, u32 *value) {
	return nvmlDeviceGetTemperature(d, 0, value);
}

static nvml_result pci_part(nvml_device d, const char *key, struct cell *out) {
	nvml_pci_info pci;
	nvml_result result = nvmlDeviceGetPciInfo_v3(d, &pci);
	if (result != NVML_SUCCESS)
		return result;
	if (strcmp(key, "pci.device_id") == 0)
		snprintf(out->text, sizeof out->text, "0x%08X", pci.pci_device_id);
	else if (strcmp(key, "pci.sub_device_id") == 0)
		snprintf(out->text, sizeof out->text, "0x%08X", pci.pci_subsystem_id);
	else if (strcmp(key, "pci.domain") == 0)
		snprintf(out->text, sizeof out->text, "0x%04X", pci.domain);
	else if (strcmp(key, "pci.bus") == 0)
		snprintf(out->text, sizeof out->text, "0x%02X", pci.bus);
	else if (strcmp(key, "pci.device") == 0)
		snprintf(out->text, sizeof out->text, "0x%02X", pci.device);
	else
		snprintf(out->text, sizeof out->text, "%s", pci.bus_id);
	return NVML_SUCCESS;
}

static const char *const on_off[] = {"Disabled", "Enabled"};
static const char *const compute[] = {"Default", "Exclusive_Thread", "Prohibited", "Exclusive_Process"};
static const char *const recovery[] = {"None", "Reset", "Reboot", "Drain P2P", "Drain and Reset", "Recover IMEX"};

static nvml_result fact(nvml_device d, const char *key, struct cell *out) {
	u32 number = 0;
	nvml_result result;
	if (strcmp(key, "index") == 0 || strcmp(key, "minor_number") == 0) {
		result = *key == 'i' ? nvmlDeviceGetIndex(d, &number) : nvmlDeviceGetMinorNumber(d, &number);
		snprintf(out->text, sizeof out->text, "%u", number);
		return result;
	}
	if (strcmp(key, "uuid") == 0 || strcmp(key, "gpu_uuid") == 0)
		return nvmlDeviceGetUUID(d, out->text, sizeof out->text);
	if (strcmp(key, "name") == 0 || strcmp(key, "gpu_name") == 0)
		return nvmlDeviceGetName(d, out->text, sizeof out->text);
	if (strcmp(key, "serial") == 0 || strcmp(key, "gpu_serial") == 0)
		return nvmlDeviceGetSerial(d, out->text, sizeof out->text);
	if (strcmp(key, "driver_version") == 0)
		return nvmlSystemGetDriverVersion(out->text, sizeof out->text);
	if (strcmp(key, "count") == 0) {
		result = nvmlDeviceGetCount_v2(&number);
		snprintf(out->text, sizeof out->text, "%u", number);
		return result;
	}
	if (strcmp(key, "compute_cap") == 0) {
		int major = 0, minor = 0;
		result = nvmlDeviceGetCudaComputeCapability(d, &major, &minor);
		snprintf(out->text, sizeof out->text, "%d.%d", major, minor);
		return result;
	}
	if (strncmp(key, "pci.", 4) == 0 || strcmp(key, "gpu_bus_id") == 0)
		return pci_part(d, key, out);
	return -1;
}

static nvml_result two_modes(nvml_device d, const char *key, nvml_result (*call)(nvml_device, int *, int *), struct cell *out) {
	int current = 0, pending = 0;
	nvml_result result = call(d, &current, &pending);
	return words(result, strstr(key, "pending") != NULL ? pending : current, on_off, 2, out);
}

static nvml_result mig_modes(nvml_device d, int *current, int *pending) {
	u32 now = 0, then = 0;
	nvml_result result = nvmlDeviceGetMigMode(d, &now, &then);
	*current = (int)now;
	*pending = (int)then;
	return result;
}

static nvml_result mode(nvml_device d, const char *key, struct cell *out) {
	int value = 0;
	u32 number = 0;
	nvml_result result;
	if (strcmp(key, "persistence_mode") == 0) {
		result = nvmlDeviceGetPersistenceMode(d, &value);
		return words(result, value, on_off, 2, out);
	}
	if (strcmp(key, "compute_mode") == 0) {
		result = nvmlDeviceGetComputeMode(d, &value);
		return words(result, value, compute, 4, out);
	}
	if (strcmp(key, "ecc.mode.current") == 0 || strcmp(key, "ecc.mode.pending") == 0)
		return two_modes(d, key, nvmlDeviceGetEccMode, out);
	if (strcmp(key, "mig.mode.current") == 0 || strcmp(key, "mig.mode.pending") == 0)
		return two_modes(d, key, mig_modes, out);
	if (strcmp(key, "accounting.mode") == 0) {
		result = nvmlDeviceGetAccountingMode(d, &number);
		return words(result, (int)number, on_off, 2, out);
	}
	if (strcmp(key, "gpu_recovery_action") == 0) {
		result = field(d, 230, out);
		return words(result, atoi(out->text), recovery, 6, out);
	}
	if (strcmp(key, "pstate") == 0) {
		result = nvmlDeviceGetPerformanceState(d, &value);
		snprintf(out->text, sizeof out->text, "P%d", value);
		return result;
	}
	return -1;
}

static nvml_result utilization(nvml_device d, int of_memory, struct cell *out) {
	nvml_utilization rates = {0, 0};
	nvml_result result = nvmlDeviceGetUtilizationRates(d, &rates);
	snprintf(out->text, sizeof out->text, "%u", of_memory ? rates.memory : rates.gpu);
	return result;
}

static nvml_result power_bound(nvml_device d, int most, struct cell *out) {
	u32 low = 0, high = 0;
	nvml_result result = nvmlDeviceGetPowerManagementLimitConstraints(d, &low, &high);
	snprintf(out->text, sizeof out->text, "%.2f", (most ? high : low) / 1000.0);
	return result;
}

/* Reads with a unit: NULL in `unit` for none. -1 for a key that is not known. */
static nvml_result reading(nvml_device d, const char *key, struct cell *out, const char **unit) {
	static const struct {
		const char *key, *unit;
		char kind; /* memory, power, clock, ecc, field, other */
		int a, b;
	} keys[] = {{"memory.total", "MiB", 'm', 't', 0},	{"memory.used", "MiB", 'm', 'u', 0},	{"memory.free", "MiB", 'm', 'f', 0},	{"memory.reserved", "MiB", 'm', 'r', 0},
		    {"utilization.gpu", "%", 'u', 0, 0},	{"utilization.memory", "%", 'u', 1, 0}, {"temperature.gpu", NULL, 't', 0, 0},	{"temperature.memory", NULL, 'f', 82, 0},
		    {"power.draw", "W", 'p', 0, 0},	{"power.limit", "W", 'p', 1, 0},	{"enforced.power.limit", "W", 'p', 2, 0}, {"power.default_limit", "W", 'p', 3, 0},
		    {"power.min_limit", "W", 'b', 0, 0},	{"power.max_limit", "W", 'b', 1, 0},	{"clocks.gr", "MHz", 'c', 0, 0},	{"clocks.sm", "MHz", 'c', 1, 0},
		    {"clocks.mem", "MHz", 'c', 2, 0},	{"clocks.video", "MHz", 'c', 3, 0},	{"clocks.max.gr", "MHz", 'c', 0, 1},	{"clocks.max.sm", "MHz", 'c', 1, 1},
		    {"clocks.max.mem", "MHz", 'c', 2, 1}, {"ecc.errors.corrected.volatile.total", NULL, 'e', 0, 0}, {"ecc.errors.uncorrected.volatile.total", NULL, 'e', 1, 0},
		    {"ecc.errors.corrected.aggregate.total", NULL, 'e', 0, 1}, {"ecc.errors.uncorrected.aggregate.total", NULL, 'e', 1, 1},
		    {"remapped_rows.correctable", NULL, 'f', 142, 0}, {"remapped_rows.uncorrectable", NULL, 'f', 143, 0}, {"remapped_rows.pending", NULL, 'f', 144, 0},
		    {"remapped_rows.failure", NULL, 'f', 145, 0}};
	nvml_result result = fact(d, key, out);
	*unit = NULL;
	if (result != -1)
		return result;
	if ((result = mode(d, key, out)) != -1)
		return result;
	nvml_result (*const powers[])(nvml_device, u32 *) = {nvmlDeviceGetPowerUsage, nvmlDeviceGetPowerManagementLimit, nvmlDeviceGetEnforcedPowerLimit, nvmlDeviceGetPowerManagementDefaultLimit};
	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
		if (strcmp(keys[i].key, key) != 0)
			continue;
		*unit = keys[i].unit;
		switch (keys[i].kind) {
		case 'm':
			return memory(d, (char)keys[i].a, out);
		case 'u':
			return utilization(d, keys[i].a, out);
		case 't':
			return read_number(d, temperature, 1, 0, out);
		case 'p':
			return read_number(d, powers[keys[i].a], 0.001, 2, out);
		case 'b':
			return power_bound(d, keys[i].a, out);
		case 'c':
			return clock_reading(d, keys[i].a, keys[i].b, out);
		case 'e':
			return ecc(d, keys[i].a, keys[i].b, out);
		default:
			return field(d, (u32)keys[i].a, out);
		}
	}
	return -1;
}

static int parse_format(const char *format, struct style *style) {
	*style = (struct style){.header = 1, .units = 1};
	int csv = 0;
	char copy[64];
	snprintf(copy, sizeof copy, "%s", format);
	char *rest = copy;
	for (char *word; (word = strsep(&rest, ",")) != NULL;) {
		if (strcmp(word, "csv") == 0)
			csv = 1;
		else if (strcmp(word, "noheader") == 0)
			style->header = 0;
		else if (strcmp(word, "nounits") == 0)
			style->units = 0;
		else
			return 0;
	}
	return csv;
}

static char *trim(char *word) {
	while (*word == ' ')
		word++;
	return word;
}

static int split_fields(const char *fields, char *copy, size_t size, char **names, int most) {
	int count = 0;
	snprintf(copy, size, "%s", fields);
	char *rest = copy;
	for (char *word; count < most && (word = strsep(&rest, ",")) != NULL;)
		names[count++] = trim(word);
	return count;
}

static void put(int first, const struct cell *cell, const char *unit, const struct style *style) {
	printf("%s%s%s%s", first ? "" : ", ", cell->text, unit != NULL && style->units && cell->text[0] != '[' ? " " : "", unit != NULL && style->units && cell->text[0] != '[' ? unit : "");
}

static void header(char **names, int count, nvml_device any, const struct style *style) {
	for (int i = 0; i < count; i++) {
		struct cell cell;
		const char *unit = NULL;
		if (any != NULL)
			reading(any, names[i], &cell, &unit);
		printf("%s%s%s%s%s", i > 0 ? ", " : "", names[i], unit != NULL && style->units ? " [" : "", unit != NULL && style->units ? unit : "", unit != NULL && style->units ? "]" : "");
	}
	printf("\n");
}

int smi_query_gpu(const struct selection *all, const char *fields, const char *format) {
	struct style style;
	char copy[2048];
	char *names[64];
	if (!parse_format(format, &style)) {
		printf("\"%s\" is not a valid format: csv, with noheader and nounits.\n", format);
		return 2;
	}
	int count = split_fields(fields, copy, sizeof copy, names, 64);
	if (all->count == 0) {
		printf("No devices were found\n");
		return 6;
	}
	for (int i = 0; i < count; i++) {
		struct cell cell;
		const char *unit;
		if (strcmp(names[i], "timestamp") != 0 && reading(all->device[0], names[i], &cell, &unit) == -1) {
			printf("Field \"%s\" is not a valid field to query.\n", names[i]);
			return 2;
		}
	}
	if (style.header)
		header(names, count, all->device[0], &style);
	for (u32 g = 0; g < all->count; g++) {
		for (int i = 0; i < count; i++) {
			struct cell cell = {.text = ""};
			const char *unit = NULL;
			if (strcmp(names[i], "timestamp") == 0) {
				time_t now = time(NULL);
				struct tm tm;
				strftime(cell.text, sizeof cell.text, "%Y/%m/%d %H:%M:%S.000", localtime_r(&now, &tm));
			} else {
				nvml_result result = reading(all->device[g], names[i], &cell, &unit);
				if (result != NVML_SUCCESS)
					missing(&cell, result);
			}
			put(i == 0, &cell, unit, &style);
		}
		printf("\n");
	}
	return 0;
}

static const char *app_cell(nvml_device d, const nvml_process *p, const char *key, struct cell *out) {
	if (strcmp(key, "pid") == 0)
		snprintf(out->text, sizeof out->text, "%u", p->pid);
	else if (strcmp(key, "process_name") == 0 || strcmp(key, "name") == 0) {
		if (nvmlSystemGetProcessName(p->pid, out->text, sizeof out->text) != NVML_SUCCESS)
			snprintf(out->text, sizeof out->text, "[Not Found]");
	} else if (strcmp(key, "used_memory") == 0 || strcmp(key, "used_gpu_memory") == 0) {
		mib(out, p->used);
		return "MiB";
	} else if (fact(d, key, out) == -1)
		return "";
	return NULL;
}

int smi_query_apps(const struct selection *all, const char *fields, const char *format) {
	struct style style;
	char copy[2048];
	char *names[64];
	if (!parse_format(format, &style)) {
		printf("\"%s\" is not a valid format: csv, with noheader and nounits.\n", format);
		return 2;
	}
	int count = split_fields(fields, copy, sizeof copy, names, 64);
	const nvml_process nobody = {.pid = 0};
	for (int i = 0; i < count && all->count > 0; i++) {
		struct cell cell;
		const char *unit = app_cell(all->device[0], &nobody, names[i], &cell);
		if (unit != NULL && *unit == 0) {
			printf("Field \"%s\" is not a valid field to query.\n", names[i]);
			return 2;
		}
		if (style.header)
			printf("%s%s%s", i > 0 ? ", " : "", names[i], unit != NULL && style.units ? " [MiB]" : "");
	}
	if (style.header)
		printf("\n");
	for (u32 g = 0; g < all->count; g++) {
		nvml_process processes[256];
		u32 found = 256;
		if (nvmlDeviceGetComputeRunningProcesses_v3(all->device[g], &found, processes) != NVML_SUCCESS)
			continue;
		for (u32 p = 0; p < found; p++) {
			for (int i = 0; i < count; i++) {
				struct cell cell;
				const char *unit = app_cell(all->device[g], &processes[p], names[i], &cell);
				put(i == 0, &cell, unit, &style);
			}
			printf("\n");
		}
	}
	return 0;
}
