/* NVML's structs as the driver's ABI has them, written down from the table of sizes and offsets: what a C compiler makes of them is compared with what JNA makes of ours. */
#include <stdint.h>

#define NVML_STRUCT_VERSION(type, version) ((uint32_t)(sizeof(type) | ((uint32_t)(version) << 24)))

typedef struct nvmlDevice_st *nvmlDevice_t;

typedef struct {
    char busIdLegacy[16];
    uint32_t domain, bus, device;
    uint32_t pciDeviceId, pciSubSystemId;
    char busId[32];
} nvmlPciInfo_t;

typedef struct {
    uint32_t gpu, memory;
} nvmlUtilization_t;

typedef struct {
    uint64_t total, free, used;
} nvmlMemory_t;

typedef struct {
    uint32_t version;
    uint64_t total, reserved, free, used;
} nvmlMemory_v2_t;

typedef struct {
    uint32_t pid;
    uint64_t usedGpuMemory;
    uint32_t gpuInstanceId, computeInstanceId;
} nvmlProcessInfo_v2_t;

typedef struct {
    nvmlDevice_t device;
    uint64_t eventType, eventData;
    uint32_t gpuInstanceId, computeInstanceId;
} nvmlEventData_t;

typedef union {
    double dVal;
    uint32_t uiVal;
    unsigned long ulVal;
    uint64_t ullVal;
    int64_t sllVal;
    int32_t siVal;
    uint16_t usVal;
} nvmlValue_t;

typedef struct {
    uint32_t fieldId, scopeId;
    int64_t timestamp, latencyUsec;
    int32_t valueType, nvmlReturn;
    nvmlValue_t value;
} nvmlFieldValue_t;

typedef struct {
    uint32_t version;
    uint64_t aggregateUncParity, aggregateUncSecDed, aggregateCor;
    uint64_t volatileUncParity, volatileUncSecDed, volatileCor;
    uint64_t aggregateUncBuckets[5];
    uint32_t bThresholdExceeded;
} nvmlEccSramErrorStatus_v1_t;
