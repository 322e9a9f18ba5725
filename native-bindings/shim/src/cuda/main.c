/* What a CUDA program sees and can do where it runs: how many devices, which, and whether they add two vectors right. It speaks CUDA's driver API and needs nothing of CUDA but the driver's libcuda.so.1.
 * One JSON object a line; exits with 0 when every device computed, 2 when there is no libcuda.so.1, 1 otherwise. `hold` as the argument keeps the memory until its input ends. */
#include <dlfcn.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ELEMENTS 1048576u
#define BLOCK 256u
#define MOST_DEVICES 64

/* cuda.h, version 2 of the API; handles are opaque, device memory is a 64-bit address. */
typedef int cu_result;
typedef int cu_device;
typedef void *cu_handle;
typedef unsigned long long cu_address;
enum { COMPUTE_MAJOR = 75, COMPUTE_MINOR = 76 };

static struct {
	cu_result (*cuInit)(unsigned);
	cu_result (*cuDriverGetVersion)(int *);
	cu_result (*cuDeviceGetCount)(int *);
	cu_result (*cuDeviceGet)(cu_device *, int);
	cu_result (*cuDeviceGetName)(char *, int, cu_device);
	cu_result (*cuDeviceGetUuid_v2)(unsigned char *, cu_device);
	cu_result (*cuDeviceGetAttribute)(int *, int, cu_device);
	cu_result (*cuDeviceTotalMem_v2)(size_t *, cu_device);
	cu_result (*cuDevicePrimaryCtxRetain)(cu_handle *, cu_device);
	cu_result (*cuDevicePrimaryCtxRelease_v2)(cu_device);
	cu_result (*cuCtxSetCurrent)(cu_handle);
	cu_result (*cuCtxSynchronize)(void);
	cu_result (*cuModuleLoadData)(cu_handle *, const void *);
	cu_result (*cuModuleGetFunction)(cu_handle *, cu_handle, const char *);
	cu_result (*cuModuleUnload)(cu_handle);
	cu_result (*cuMemAlloc_v2)(cu_address *, size_t);
	cu_result (*cuMemFree_v2)(cu_address);
	cu_result (*cuMemcpyHtoD_v2)(cu_address, const void *, size_t);
	cu_result (*cuMemcpyDtoH_v2)(void *, cu_address, size_t);
	cu_result (*cuLaunchKernel)(cu_handle, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, cu_handle, void **, void **);
	cu_result (*cuGetErrorName)(cu_result, const char **);
} cu;

/* c[i] = a[i] + b[i] for i below n; the head says for which architecture at least. */
static const char body[] =
	".address_size 64\n"
	".visible .entry add(.param .u64 a, .param .u64 b, .param .u64 c, .param .u32 n)\n"
	"{\n"
	"	.reg .pred %p<2>;\n"
	"	.reg .b32 %r<9>;\n"
	"	.reg .b64 %rd<8>;\n"
	"	ld.param.u64 %rd1, [a];\n"
	"	ld.param.u64 %rd2, [b];\n"
	"	ld.param.u64 %rd3, [c];\n"
	"	ld.param.u32 %r1, [n];\n"
	"	mov.u32 %r2, %ctaid.x;\n"
	"	mov.u32 %r3, %ntid.x;\n"
	"	mov.u32 %r4, %tid.x;\n"
	"	mad.lo.s32 %r5, %r2, %r3, %r4;\n"
	"	setp.ge.u32 %p1, %r5, %r1;\n"
	"	@%p1 bra DONE;\n"
	"	cvta.to.global.u64 %rd1, %rd1;\n"
	"	cvta.to.global.u64 %rd2, %rd2;\n"
	"	cvta.to.global.u64 %rd3, %rd3;\n"
	"	mul.wide.u32 %rd4, %r5, 4;\n"
	"	add.s64 %rd5, %rd1, %rd4;\n"
	"	add.s64 %rd6, %rd2, %rd4;\n"
	"	add.s64 %rd7, %rd3, %rd4;\n"
	"	ld.global.u32 %r6, [%rd5];\n"
	"	ld.global.u32 %r7, [%rd6];\n"
	"	add.s32 %r8, %r6, %r7;\n"
	"	st.global.u32 [%rd7], %r8;\n"
	"DONE:\n"
	"	ret;\n"
	"}\n";

static void put_text(const char *text) {
	putchar('"');
	for (; *text != 0; text++) {
		unsigned char c = (unsigned char)*text;
		if (c == '"' || c == '\\')
			printf("\\%c", c);
		else if (c < 0x20)
			printf("\\u%04x", c);
		else
			putchar(c);
	}
	putchar('"');
}

/* Tells a failed call; its result. */
static int failed(const char *call, cu_result result) {
	if (result == 0)
		return 0;
	const char *name = NULL;
	if (cu.cuGetErrorName == NULL || cu.cuGetErrorName(result, &name) != 0 || name == NULL)
		name = "";
	printf("{\"failed\":\"%s\",\"code\":%d,\"name\":", call, result);
	put_text(name);
	puts("}");
	fflush(stdout);
	return result;
}

#define TRY(call, ...) failed(#call, cu.call(__VA_ARGS__))

static int bind(void *library, const char *name, void *target) {
	void *symbol = dlsym(library, name);
	if (symbol == NULL) {
		printf("{\"failed\":\"dlsym\",\"code\":-1,\"name\":\"%s\"}\n", name);
		return 0;
	}
	memcpy(target, &symbol, sizeof symbol);
	return 1;
}

#define BIND(name) bind(library, #name, &cu.name)

static int bind_all(void *library) {
	return BIND(cuInit) && BIND(cuDriverGetVersion) && BIND(cuDeviceGetCount) && BIND(cuDeviceGet) && BIND(cuDeviceGetName) && BIND(cuDeviceGetUuid_v2) && BIND(cuDeviceGetAttribute) && BIND(cuDeviceTotalMem_v2) &&
	       BIND(cuDevicePrimaryCtxRetain) && BIND(cuDevicePrimaryCtxRelease_v2) && BIND(cuCtxSetCurrent) && BIND(cuCtxSynchronize) && BIND(cuModuleLoadData) && BIND(cuModuleGetFunction) && BIND(cuModuleUnload) &&
	       BIND(cuMemAlloc_v2) && BIND(cuMemFree_v2) && BIND(cuMemcpyHtoD_v2) && BIND(cuMemcpyDtoH_v2) && BIND(cuLaunchKernel) && BIND(cuGetErrorName);
}

struct vectors {
	unsigned *host[3];
	cu_address device[3];
};

/* The device's vectors are freed by the caller. Returns wrong elements, or -1. */
static long add(struct vectors *v, cu_handle function) {
	size_t size = ELEMENTS * sizeof(unsigned);
	for (unsigned i = 0; i < ELEMENTS; i++) {
		v->host[0][i] = i;
		v->host[1][i] = 3 * i + 7;
		v->host[2][i] = 0;
	}
	for (int i = 0; i < 3; i++)
		if (TRY(cuMemAlloc_v2, &v->device[i], size) || TRY(cuMemcpyHtoD_v2, v->device[i], v->host[i], size))
			return -1;
	unsigned n = ELEMENTS;
	void *arguments[] = {&v->device[0], &v->device[1], &v->device[2], &n};
	if (TRY(cuLaunchKernel, function, (n + BLOCK - 1) / BLOCK, 1, 1, BLOCK, 1, 1, 0, NULL, arguments, NULL) || TRY(cuCtxSynchronize) || TRY(cuMemcpyDtoH_v2, v->host[2], v->device[2], size))
		return -1;
	long wrong = 0;
	for (unsigned i = 0; i < ELEMENTS; i++)
		wrong += v->host[2][i] != 4 * i + 7;
	return wrong;
}

static long compute(cu_device device, struct vectors *v, int hold) {
	int major = 0, minor = 0;
	cu_handle module, function;
	char program[sizeof body + 64];
	if (TRY(cuDeviceGetAttribute, &major, COMPUTE_MAJOR, device) || TRY(cuDeviceGetAttribute, &minor, COMPUTE_MINOR, device))
		return -1;
	/* Newer drivers know no older target than this one. */
	int turing = major * 10 + minor >= 75;
	snprintf(program, sizeof program, ".version %s\n.target %s\n%s", turing ? "6.3" : "5.0", turing ? "sm_75" : "sm_50", body);
	if (TRY(cuModuleLoadData, &module, program))
		return -1;
	long wrong = -1;
	if (!TRY(cuModuleGetFunction, &function, module, "add"))
		wrong = add(v, function);
	if (wrong >= 0 && hold) {
		char byte;
		puts("{\"holding\":true}");
		fflush(stdout);
		while (read(0, &byte, 1) > 0)
			;
	}
	for (int i = 0; i < 3; i++)
		if (v->device[i] != 0 && TRY(cuMemFree_v2, v->device[i]))
			wrong = -1;
	return TRY(cuModuleUnload, module) ? -1 : wrong;
}

static int use(int index, struct vectors *v, int hold) {
	cu_device device;
	cu_handle context;
	unsigned char id[16];
	char name[128] = "";
	size_t memory = 0;
	if (TRY(cuDeviceGet, &device, index) || TRY(cuDeviceGetName, name, sizeof name, device) || TRY(cuDeviceGetUuid_v2, id, device) || TRY(cuDeviceTotalMem_v2, &memory, device))
		return 0;
	long wrong = -1;
	memset(v->device, 0, sizeof v->device);
	if (!TRY(cuDevicePrimaryCtxRetain, &context, device)) {
		if (!TRY(cuCtxSetCurrent, context))
			wrong = compute(device, v, hold);
		if (TRY(cuDevicePrimaryCtxRelease_v2, device))
			wrong = -1;
	}
	printf("{\"device\":%d,\"uuid\":\"GPU-", index);
	for (int i = 0; i < 16; i++)
		printf("%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", id[i]);
	printf("\",\"name\":");
	put_text(name);
	printf(",\"memory\":%zu,\"elements\":%u,\"wrong\":%ld}\n", memory, ELEMENTS, wrong);
	fflush(stdout);
	return wrong == 0;
}

int main(int argc, char **argv) {
	int hold = argc > 1 && strcmp(argv[1], "hold") == 0;
	void *library = dlopen("libcuda.so.1", RTLD_NOW);
	if (library == NULL) {
		printf("{\"failed\":\"dlopen\",\"code\":-1,\"name\":");
		put_text(dlerror());
		puts("}");
		return 2;
	}
	int version = 0, count = 0;
	if (!bind_all(library) || TRY(cuInit, 0) || TRY(cuDriverGetVersion, &version) || TRY(cuDeviceGetCount, &count))
		return 1;
	printf("{\"cuda\":%d,\"count\":%d}\n", version, count);
	fflush(stdout);
	struct vectors v;
	for (int i = 0; i < 3; i++)
		if ((v.host[i] = malloc(ELEMENTS * sizeof(unsigned))) == NULL)
			return 1;
	int good = 0;
	for (int i = 0; i < count && i < MOST_DEVICES; i++)
		good += use(i, &v, hold);
	for (int i = 0; i < 3; i++)
		free(v.host[i]);
	return good == count && count > 0 ? 0 : 1;
}
