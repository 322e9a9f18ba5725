/* A log file that is damaged in any way: what is found to be whole must be readable as frames. */
#include <stdlib.h>

#include "../../shim/log.h"
#include "../../shim/sys.h"

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size) {
	if (size < sizeof(struct log_header))
		return 0;
	uint8_t *file = malloc(size);
	if (file == NULL)
		return 0;
	memcpy(file, input, size);
	uint64_t end = log_whole_frames(file, size);
	if (end > size || end < sizeof(struct log_header))
		abort();
	uint64_t at = sizeof(struct log_header);
	while (at < end) {
		struct log_frame frame;
		memcpy(&frame, file + at, sizeof frame);
		at += sizeof frame + frame.length;
	}
	if (at != end)
		abort();
	free(file);
	return 0;
}
