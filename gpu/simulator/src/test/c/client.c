/* client LIBRARY|- COMMAND ...
 *
 * checks             everything that can be checked from one process; a line for each failure
 * hold               initializes, says "ready", waits for the end of standard input
 * watch MS           registers every event of every GPU, says "ready", prints events until none came for so long
 * call NAME [GPU]    one call: "CODE MILLISECONDS"
 * apps GPU ROOM      processes of a GPU with room for so many: "CODE COUNT PID:BYTES ..."
 * occupy STATE       takes the state's write lock, says "ready", keeps it until the end of standard input
 * beside             one thread asks for the power, then a second for the driver's version: milliseconds that the second took
 * seen               UUIDs of the GPUs that it sees
 *
 * With "-" the library is linked into the program: for the sanitizers. */
#define _GNU_SOURCE
#include "client.h"

#include "../../native/state.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

int failures;
static void *library;

void *symbol(const char *name) {
	void *found = dlsym(library, name);
	if (found == NULL) {
		printf("no symbol %s: %s\n", name, dlerror());
		exit(1);
	}
	return found;
}

static nvml_device device_at(u32 index) {
	nvml_device device = NULL;
	nvml_result result = CALL(nvmlDeviceGetHandleByIndex_v2)(index, &device);
	if (result != NVML_SUCCESS) {
		printf("%d no handle\n", result);
		exit(1);
	}
	return device;
}

static void start(void) {
	nvml_result result = CALL(nvmlInit_v2)();
	if (result != NVML_SUCCESS) {
		printf("%d init\n", result);
		exit(1);
	}
}

static int checks(void) {
	u32 count = 0;
	check_life();
	start();
	SAME(NVML_SUCCESS, CALL(nvmlDeviceGetCount_v2)(&count));
	CHECK(count > 0);
	for (u32 i = 0; i < count; i++) {
		nvml_device device = device_at(i);
		check_device(device, i);
		check_structures(device);
		check_mig(device);
	}
	check_pairs(count);
	check_events(device_at(0));
	check_control(device_at(0));
	SAME(NVML_SUCCESS, CALL(nvmlShutdown)());
	SAME(NVML_UNINITIALIZED, CALL(nvmlShutdown)());
	printf("%d failures\n", failures);
	return failures != 0;
}

static int hold(void) {
	start();
	printf("ready\n");
	fflush(stdout);
	char byte;
	while (read(0, &byte, 1) > 0)
		;
	SAME(NVML_SUCCESS, CALL(nvmlShutdown)());
	return failures;
}

static int watch(u32 ms) {
	start();
	nvml_event_set set;
	SAME(NVML_SUCCESS, CALL(nvmlEventSetCreate)(&set));
	u32 count = 0;
	CALL(nvmlDeviceGetCount_v2)(&count);
	for (u32 i = 0; i < count; i++) {
		u64 types = 0;
		CALL(nvmlDeviceGetSupportedEventTypes)(device_at(i), &types);
		SAME(NVML_SUCCESS, CALL(nvmlDeviceRegisterEvents)(device_at(i), types, set));
	}
	printf("ready\n");
	fflush(stdout);
	for (;;) {
		nvml_event_data data;
		u32 index = 99;
		nvml_result result = CALL(nvmlEventSetWait_v2)(set, &data, ms);
		if (result != NVML_SUCCESS) {
			printf("end %d\n", result);
			break;
		}
		CALL(nvmlDeviceGetIndex)(data.device, &index);
		printf("event %u %llu %llu\n", index, data.type, data.data);
		fflush(stdout);
	}
	CALL(nvmlEventSetFree)(set);
	CALL(nvmlShutdown)();
	return failures;
}

static u64 now_ms(void) {
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (u64)now.tv_sec * 1000 + (u64)now.tv_nsec / 1000000;
}

static int call(const char *name, u32 gpu) {
	u64 start_ms = now_ms();
	nvml_result result;
	if (strcmp(name, "nvmlInit_v2") == 0) {
		result = CALL(nvmlInit_v2)();
	} else {
		start();
		nvml_device device;
		u32 number = 0;
		nvml_memory_v2 memory = {.version = NVML_VERSION_WORD(nvml_memory_v2, 2)};
		start_ms = now_ms();
		result = CALL(nvmlDeviceGetHandleByIndex_v2)(gpu, &device);
		if (result == NVML_SUCCESS)
			result = strcmp(name, "nvmlDeviceGetMemoryInfo_v2") == 0 ? CALL(nvmlDeviceGetMemoryInfo_v2)(device, &memory)
				 : strcmp(name, "nvmlDeviceGetMinorNumber") == 0 ? CALL(nvmlDeviceGetMinorNumber)(device, &number)
				 : strcmp(name, "nvmlDeviceGetPowerUsage") == 0	 ? CALL(nvmlDeviceGetPowerUsage)(device, &number)
										 : -1;
	}
	printf("%d %llu\n", result, now_ms() - start_ms);
	return 0;
}

static int apps(u32 gpu, u32 room) {
	start();
	nvml_process found[256];
	u32 count = room;
	nvml_result result = CALL(nvmlDeviceGetComputeRunningProcesses_v3)(device_at(gpu), &count, room == 0 ? NULL : found);
	printf("%d %u", result, count);
	for (u32 i = 0; i < count && i < room; i++)
		printf(" %u:%llu", found[i].pid, found[i].used);
	printf("\n");
	CALL(nvmlShutdown)();
	return 0;
}

/* As a client that is stopped in the middle of a change. */
static int occupy(const char *path) {
	int fd = open(path, O_RDWR | O_CLOEXEC);
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = SIM_BYTE_STATE, .l_len = 1};
	if (fd < 0 || fcntl(fd, F_OFD_SETLKW, &lock) != 0) {
		perror(path);
		return 1;
	}
	printf("ready\n");
	fflush(stdout);
	char byte;
	while (read(0, &byte, 1) > 0)
		;
	return 0;
}

static void *ask_power(void *device) {
	u32 power;
	CALL(nvmlDeviceGetPowerUsage)(device, &power);
	return NULL;
}

static int beside(void) {
	start();
	pthread_t first;
	char version[80];
	if (pthread_create(&first, NULL, ask_power, device_at(0)) != 0)
		return 1;
	/* Until the first is in its call: long enough on any machine that the test means. */
	usleep(300000);
	u64 start_ms = now_ms();
	SAME(NVML_SUCCESS, CALL(nvmlSystemGetDriverVersion)(version, sizeof version));
	printf("%llu\n", now_ms() - start_ms);
	pthread_join(first, NULL);
	CALL(nvmlShutdown)();
	return failures;
}

static int seen(void) {
	u32 count = 0;
	start();
	CALL(nvmlDeviceGetCount_v2)(&count);
	for (u32 i = 0; i < count; i++) {
		char uuid[96];
		u32 index = 99;
		CALL(nvmlDeviceGetUUID)(device_at(i), uuid, sizeof uuid);
		CALL(nvmlDeviceGetIndex)(device_at(i), &index);
		SAME(i, index);
		printf("%s\n", uuid);
	}
	CALL(nvmlShutdown)();
	return failures;
}

int main(int argc, char **argv) {
	if (argc < 3)
		return 2;
	library = strcmp(argv[1], "-") == 0 ? dlopen(NULL, RTLD_NOW) : dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
	if (library == NULL) {
		printf("%s\n", dlerror());
		return 1;
	}
	u32 first = argc > 3 ? (u32)strtoul(argv[3], NULL, 10) : 0;
	u32 second = argc > 4 ? (u32)strtoul(argv[4], NULL, 10) : 0;
	if (strcmp(argv[2], "checks") == 0)
		return checks();
	if (strcmp(argv[2], "hold") == 0)
		return hold();
	if (strcmp(argv[2], "watch") == 0)
		return watch(first);
	if (strcmp(argv[2], "call") == 0 && argc > 3)
		return call(argv[3], second);
	if (strcmp(argv[2], "apps") == 0)
		return apps(first, second);
	if (strcmp(argv[2], "beside") == 0)
		return beside();
	if (strcmp(argv[2], "occupy") == 0 && argc > 3)
		return occupy(argv[3]);
	return strcmp(argv[2], "seen") == 0 ? seen() : 2;
}
