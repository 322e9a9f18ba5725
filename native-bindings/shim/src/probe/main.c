#include "../shim/start.h"
#include "../shim/text.h"
#include "probe.h"

static char buffer[1024];
static size_t used;

static void flush(void) {
	for (size_t at = 0; at < used;) {
		long wrote = sys_write(1, buffer + at, used - at);
		if (wrote < 0 && wrote != -EINTR)
			break;
		at += wrote > 0 ? (size_t)wrote : 0;
	}
	used = 0;
}

void put_bytes(const char *bytes, size_t size) {
	for (size_t i = 0; i < size; i++) {
		if (used == sizeof buffer)
			flush();
		buffer[used++] = bytes[i];
	}
}

void put(const char *text) {
	put_bytes(text, strlen(text));
}

void put_number(int64_t value) {
	char digits[24];
	struct text t = {.at = digits, .size = sizeof digits};
	text_signed(&t, value);
	put(text_end(&t));
}

void put_line(void) {
	put("\n");
	flush();
}

int put_result(const char *key, long result) {
	put(key);
	put(" ");
	put_error(result);
	put_line();
	return sys_is_error(result);
}

int same(const char *a, const char *b) {
	size_t length = strlen(a);
	return strlen(b) == length && memcmp(a, b, length) == 0;
}

static int digit(char c) {
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : 99;
}

int64_t number(const char *text) {
	const char *at = text;
	int negative = *at == '-';
	at += negative;
	int base = at[0] == '0' && at[1] == 'x' ? 16 : 10;
	at += base == 16 ? 2 : 0;
	uint64_t value = 0;
	const char *first = at;
	for (; digit(*at) < base; at++)
		value = value * (uint64_t)base + (uint64_t)digit(*at);
	int shift = *at == 'k' ? 10 : *at == 'm' ? 20 : *at == 'g' ? 30 : 0;
	if (at == first || at[shift != 0] != 0) {
		put("probe: not a number: ");
		put(text);
		put_line();
		sys_exit(2);
	}
	value <<= shift;
	return negative ? (int64_t)(0 - value) : (int64_t)value;
}

static int run(char **arguments, char **environment) {
	int status = command(arguments, environment);
	if (status < 0)
		status = load_command(arguments);
	if (status < 0)
		status = nodes_command(arguments);
	if (status < 0)
		status = attack_command(arguments);
	if (status < 0) {
		put("probe: no command of this name: ");
		put(arguments[0]);
		put_line();
		return 2;
	}
	flush();
	return status;
}

/* Several commands in a row, separated by "--", since a test container has no shell; the status is the last one's. */
int program_main(int argc, char **argv) {
	char **environment = argv + argc + 1;
	int status = 0;
	int from = 1;
	if (argc < 2) {
		report();
		return 0;
	}
	for (int i = 1; i <= argc; i++)
		if (i == argc || same(argv[i], "--")) {
			argv[i] = 0;
			if (i > from)
				status = run(argv + from, environment);
			from = i + 1;
		}
	return status;
}
