/* Two devices that add in host memory: what our CUDA program calls of the driver's libcuda.so.1, for tests without a driver. BERTH_TEST_WRONG in the environment makes one sum wrong. */
#include <stdlib.h>
#include <string.h>

int cuInit(unsigned flags) {
	return flags != 0;
}

int cuDriverGetVersion(int *version) {
	*version = 13000;
	return 0;
}

int cuDeviceGetCount(int *count) {
	*count = 2;
	return 0;
}

int cuDeviceGet(int *device, int index) {
	*device = index;
	return 0;
}

int cuDeviceGetName(char *name, int size, int device) {
	(void)device;
	return strlen(strncpy(name, "A \"GPU\"", (size_t)size)) == 0;
}

int cuDeviceGetUuid_v2(unsigned char *id, int device) {
	for (int i = 0; i < 16; i++)
		id[i] = (unsigned char)(16 * device + i);
	return 0;
}

int cuDeviceGetAttribute(int *value, int attribute, int device) {
	*value = attribute == 75 ? 9 : device;
	return 0;
}

int cuDeviceTotalMem_v2(size_t *size, int device) {
	*size = (size_t)(device + 1) << 30;
	return 0;
}

int cuDevicePrimaryCtxRetain(void **context, int device) {
	*context = NULL;
	return device < 0;
}

int cuDevicePrimaryCtxRelease_v2(int device) {
	return device < 0;
}

int cuCtxSetCurrent(void *context) {
	return context != NULL;
}

int cuCtxSynchronize(void) {
	return 0;
}

int cuModuleLoadData(void **module, const void *program) {
	*module = NULL;
	return strncmp(program, ".version 6.3\n.target sm_75\n", 27) == 0 ? 0 : 218;
}

int cuModuleGetFunction(void **function, void *module, const char *name) {
	*function = module;
	return strcmp(name, "add");
}

int cuModuleUnload(void *module) {
	return module != NULL;
}

int cuMemAlloc_v2(unsigned long long *address, size_t size) {
	*address = (unsigned long long)malloc(size);
	return *address == 0;
}

int cuMemFree_v2(unsigned long long address) {
	free((void *)address);
	return 0;
}

int cuMemcpyHtoD_v2(unsigned long long to, const void *from, size_t size) {
	memcpy((void *)to, from, size);
	return 0;
}

int cuMemcpyDtoH_v2(void *to, unsigned long long from, size_t size) {
	memcpy(to, (void *)from, size);
	return 0;
}

int cuLaunchKernel(void *function, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by, unsigned bz, unsigned shared, void *stream, void **arguments, void **extra) {
	unsigned *a = *(unsigned **)arguments[0], *b = *(unsigned **)arguments[1], *c = *(unsigned **)arguments[2];
	unsigned n = *(unsigned *)arguments[3];
	for (unsigned i = 0; i < gx * bx && i < n; i++)
		c[i] = a[i] + b[i];
	if (getenv("BERTH_TEST_WRONG") != NULL)
		c[n - 1]++;
	return function != NULL || stream != NULL || extra != NULL || shared != 0 || gy * gz * by * bz != 1;
}

int cuGetErrorName(int result, const char **name) {
	*name = result == 218 ? "CUDA_ERROR_INVALID_PTX" : "CUDA_ERROR";
	return 0;
}
