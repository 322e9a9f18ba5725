/* A kernel for fuzz targets: system calls do nothing and answer by what the input says. */
#ifndef BERTH_TEST_FAKE_KERNEL_H
#define BERTH_TEST_FAKE_KERNEL_H

#include <stddef.h>
#include <stdint.h>

/* From here on results come from these bytes; when they are used up, every call fails with EIO and every stream is at its end. */
void fake_kernel_begin(const uint8_t *input, size_t size);
/* The next byte of the input, 0 at its end. */
uint8_t fake_kernel_byte(void);

#endif
