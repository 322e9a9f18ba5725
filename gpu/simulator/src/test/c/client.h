/* A client of the library as any other: it loads it and binds the versioned symbols by name. */
#ifndef BERTH_SIMULATOR_TEST_CLIENT_H
#define BERTH_SIMULATOR_TEST_CLIENT_H

#include "../../native/calls.h"

#include <stdio.h>
#include <string.h>

/* The address of an exported function; ends the program when there is none. */
void *symbol(const char *name);
#define CALL(function) ((__typeof__(function) *)symbol(#function))

extern int failures;
#define CHECK(expression)                                                                                                                                                      \
	do {                                                                                                                                                                       \
		if (!(expression)) {                                                                                                                                                   \
			printf("%s:%d: not so: %s\n", __FILE__, __LINE__, #expression);                                                                                                    \
			failures++;                                                                                                                                                        \
		}                                                                                                                                                                      \
	} while (0)
#define SAME(expected, expression)                                                                                                                                             \
	do {                                                                                                                                                                       \
		long long want = (long long)(expected), got = (long long)(expression);                                                                                                 \
		if (want != got) {                                                                                                                                                     \
			printf("%s:%d: %s is %lld, expected %lld\n", __FILE__, __LINE__, #expression, got, want);                                                                          \
			failures++;                                                                                                                                                        \
		}                                                                                                                                                                      \
	} while (0)

void check_life(void);
void check_device(nvml_device device, u32 index);
void check_structures(nvml_device device);
void check_mig(nvml_device device);
void check_pairs(u32 count);
void check_events(nvml_device device);
void check_control(nvml_device device);
#endif
