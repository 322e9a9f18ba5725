/* Text without stdio: numbers into buffers, small files of the kernel. */
#ifndef BERTH_TEXT_H
#define BERTH_TEXT_H

#include "sys.h"

/* A text that is being written; what does not fit is left out, and full says so. */
struct text {
	char *at;
	size_t size;
	size_t length;
	int full;
};

void text_bytes(struct text *t, const char *bytes, size_t size);
void text_string(struct text *t, const char *string);
void text_unsigned(struct text *t, uint64_t value);
void text_signed(struct text *t, int64_t value);
/* Ends the text with a NUL and returns it. */
const char *text_end(struct text *t);

/* Reads a whole small file into buffer, NUL-terminated. Its length or a negated errno. */
long text_read_file(int dir, const char *name, char *buffer, size_t size);

/* The number that follows key and a blank at the start of a line, 0 if there is none. */
uint64_t text_value(const char *text, const char *key);

#endif
