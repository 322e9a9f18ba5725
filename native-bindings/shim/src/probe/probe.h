/* The probe: what a process sees from inside a container, and small commands for tests, in one static program that needs no file of the image. */
#ifndef BERTH_PROBE_H
#define BERTH_PROBE_H

#include "../shim/sys.h"

/* Standard output, written out at the end of each line. */
void put(const char *text);
void put_bytes(const char *bytes, size_t size);
void put_number(int64_t value);
/* OK or the name of a negated errno. */
void put_error(long result);
void put_signal(long signal);
/* Ends the line. */
void put_line(void);
/* "KEY RESULT\n" */
int put_result(const char *key, long result);

/* Decimal, 0x hexadecimal, negative; a suffix k, m or g. Anything else ends the program with status 2. */
int64_t number(const char *text);
int same(const char *a, const char *b);

/* Device numbers as the kernel encodes them for mknod. */
static inline unsigned device(unsigned major, unsigned minor) {
	return (minor & 0xff) | major << 8 | (minor & ~0xffu) << 12;
}

/* Prints the isolation report. */
void report(void);
/* Prints `fd N TARGET` for each open descriptor. */
void report_fds(void);

/* Tries what Berth needs of the kernel and prints `feature NAME RESULT` for each; the argument, if any, is the directory of an empty cgroup. */
int features(char **arguments, char **environment);

/* One subcommand with its arguments, null-terminated; its exit status, or -1 if there is none of that name. */
int command(char **arguments, char **environment);
/* The commands that use up something: processes, memory, time, space. */
int load_command(char **arguments);
/* The commands that use device nodes. */
int nodes_command(char **arguments);
/* The commands that try to get out. */
int attack_command(char **arguments);

#endif
