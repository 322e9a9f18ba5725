#include <linux/mman.h>

#include "../shim/text.h"
#include "probe.h"

#define CLOCK_PROCESS_CPU 2
#define PATIENCE_NS (5 * NS_PER_S)

static void sleep_ns(uint64_t ns) {
	sys_poll(0, 0, (int64_t)ns);
}

static long fork_process(void) {
	return sys_call(__NR_clone, SIG_CHLD, 0, 0, 0, 0, 0);
}

static void put_count(const char *key, int64_t count) {
	put(key);
	put(" ");
	put_number(count);
	put_line();
}

/* Forks until it is refused or there are enough, says how far it came and why it ended, and takes all of them back. */
static int fork_bomb(int64_t most) {
	int64_t forked = 0;
	long child = 0;
	int hold[2];
	if (sys_pipe(hold) < 0)
		return 1;
	while (forked < most && (child = fork_process()) > 0)
		forked++;
	if (child == 0 && forked < most) {
		/* Until the parent closes its end. */
		sys_close(hold[1]);
		sys_read(hold[0], &child, 1);
		sys_exit(0);
	}
	put_count("forked", forked);
	put_result("fork", child);
	sys_close(hold[1]);
	while (sys_wait4(-1, 0, 0, 0) > 0)
		;
	return child < 0;
}

/* Ends at once and leaves behind a process that holds its streams open for ever; a daemon has a session of its own. */
static int leave_child(int daemon) {
	long child = fork_process();
	if (child == 0 && daemon) {
		sys_setsid();
		sys_sigmask(~0ull);
	}
	while (child == 0)
		sleep_ns(NS_PER_S);
	put_count("left", child);
	return child < 0;
}

static int eat_memory(int64_t bytes, int hold) {
	long memory = sys_mmap((size_t)bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	if (sys_is_error(memory))
		return put_result("mmap", memory);
	for (int64_t at = 0; at < bytes; at += PAGE_SIZE)
		((volatile char *)memory)[at] = 1;
	put_count("ate", bytes);
	while (hold)
		sleep_ns(NS_PER_S);
	return 0;
}

/* Wall time is given, CPU time is told. */
static int spin(int64_t seconds) {
	uint64_t end = sys_clock(SYS_CLOCK_MONOTONIC) + (uint64_t)seconds * NS_PER_S;
	while (sys_clock(SYS_CLOCK_MONOTONIC) < end)
		for (volatile int i = 0; i < 20000; i++)
			;
	put_count("cpu_us", (int64_t)(sys_clock(CLOCK_PROCESS_CPU) / 1000));
	return 0;
}

static int write_bytes(const char *path, int64_t bytes) {
	static char block[65536];
	int64_t wrote = 0;
	long result = sys_openat(AT_FDCWD, path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
	int fd = (int)result;
	while (result >= 0 && wrote < bytes) {
		int64_t left = bytes - wrote;
		result = sys_write(fd, block, left < (int64_t)sizeof block ? (size_t)left : sizeof block);
		wrote += result > 0 ? result : 0;
	}
	put_count("wrote", wrote);
	return put_result("write", result);
}

/* Numbered lines, MS milliseconds apart, to standard output or with --stderr to both in turn. */
static int tick(char **arguments) {
	int64_t count = number(arguments[0]);
	int64_t ms = arguments[1] != 0 ? number(arguments[1]) : 5;
	int both = arguments[1] != 0 && arguments[2] != 0 && same(arguments[2], "--stderr");
	for (int64_t i = 1; i <= count; i++) {
		if (both && i % 2 == 0)
			sys_write(2, "tick on stderr\n", 15);
		else
			put_count("tick", i);
		if (i < count && ms > 0)
			sleep_ns((uint64_t)ms * NS_PER_MS);
	}
	return 0;
}

static int is_zombie(long pid) {
	char name[32];
	char stat[256];
	struct text path = {.at = name, .size = sizeof name};
	text_string(&path, "/proc/");
	text_unsigned(&path, (uint64_t)pid);
	text_string(&path, "/stat");
	int fd = sys_openat(AT_FDCWD, text_end(&path), O_RDONLY, 0);
	long got = fd < 0 ? 0 : sys_read(fd, stat, sizeof stat - 1);
	sys_close(fd);
	while (got > 0 && stat[got - 1] != ')')
		got--;
	return got > 0 && stat[got + 1] == 'Z';
}

/* Leaves COUNT dead orphans behind, waits for an init to reap them, and says how many are still zombies. */
static int orphans(int64_t count) {
	int64_t zombies = 0;
	int news[2];
	if (sys_pipe(news) < 0)
		return 1;
	for (int64_t i = 0; i < count; i++) {
		long middle = fork_process();
		if (middle == 0) {
			long orphan = fork_process();
			if (orphan > 0)
				sys_write(news[1], &orphan, sizeof orphan);
			sys_exit(0);
		}
		sys_wait4((int)middle, 0, 0, 0);
	}
	sys_close(news[1]);
	long pid = 0;
	uint64_t deadline = sys_clock(SYS_CLOCK_MONOTONIC) + PATIENCE_NS;
	while (sys_read(news[0], &pid, sizeof pid) == sizeof pid) {
		while (is_zombie(pid) && sys_clock(SYS_CLOCK_MONOTONIC) < deadline)
			sleep_ns(NS_PER_MS);
		zombies += is_zombie(pid);
	}
	put_count("zombies", zombies);
	return zombies > 0;
}

int load_command(char **arguments) {
	const char *name = arguments[0];
	char **rest = arguments + 1;
	if (same(name, "leave-child") || same(name, "leave-daemon"))
		return leave_child(name[6] == 'd');
	if (*rest == 0)
		return -1;
	if (same(name, "fork-bomb"))
		return fork_bomb(number(*rest));
	if (same(name, "eat-memory"))
		return eat_memory(number(*rest), rest[1] != 0 && same(rest[1], "--hold"));
	if (same(name, "spin"))
		return spin(number(*rest));
	if (same(name, "tick"))
		return tick(rest);
	if (same(name, "orphans"))
		return orphans(number(*rest));
	return same(name, "write-bytes") && rest[1] != 0 ? write_bytes(rest[0], number(rest[1])) : -1;
}
