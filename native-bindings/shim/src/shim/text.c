#include "text.h"

void text_bytes(struct text *t, const char *bytes, size_t size) {
	if (size >= t->size - t->length) {
		t->full = 1;
		return;
	}
	memcpy(t->at + t->length, bytes, size);
	t->length += size;
}

void text_string(struct text *t, const char *string) {
	text_bytes(t, string, strlen(string));
}

void text_unsigned(struct text *t, uint64_t value) {
	char digits[20];
	size_t first = sizeof digits;
	do
		digits[--first] = (char)('0' + value % 10);
	while ((value /= 10) != 0);
	text_bytes(t, digits + first, sizeof digits - first);
}

void text_signed(struct text *t, int64_t value) {
	if (value < 0)
		text_string(t, "-");
	text_unsigned(t, value < 0 ? 0 - (uint64_t)value : (uint64_t)value);
}

const char *text_end(struct text *t) {
	t->at[t->length] = 0;
	return t->at;
}

long text_read_file(int dir, const char *name, char *buffer, size_t size) {
	int fd = sys_openat(dir, name, O_RDONLY, 0);
	if (fd < 0)
		return fd;
	long got = sys_read(fd, buffer, size - 1);
	sys_close(fd);
	if (got >= 0)
		buffer[got] = 0;
	return got;
}

uint64_t text_value(const char *text, const char *key) {
	size_t length = strlen(key);
	for (const char *line = text; *line != 0;) {
		size_t rest = strlen(line);
		if (rest > length && memcmp(line, key, length) == 0 && line[length] == ' ') {
			uint64_t value = 0;
			for (const char *c = line + length + 1; *c >= '0' && *c <= '9'; c++)
				value = value * 10 + (uint64_t)(*c - '0');
			return value;
		}
		while (*line != 0 && *line != '\n')
			line++;
		line += *line == '\n';
	}
	return 0;
}
