#ifndef BERTH_BUILD_ID_H
#define BERTH_BUILD_ID_H

#include <stdint.h>

/* The first eight bytes, little-endian, of this program's own GNU build id note: the linker's hash of its content. 0 without one. */
uint64_t build_id(void);

#endif
