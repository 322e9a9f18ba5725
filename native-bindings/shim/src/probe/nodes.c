/* What a process gets when it uses device nodes in every way that a fence must know of: opening, opening by way of an O_PATH descriptor, and making a node of the same number. */
#include <linux/stat.h>

#include "../shim/text.h"
#include "probe.h"

#define ALL_SIGNALS (~0ull)
#define SIG_USR1 10
#define SIG_TERM 15
#define PLACE "/tmp/.probe-node"

static void put_way(const char *name, long result) {
	put(" ");
	put(name);
	put("=");
	put_error(result < 0 ? result : 0);
}

static long try_open(const char *path, int flags) {
	int fd = sys_openat(AT_FDCWD, path, flags | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0);
	if (fd >= 0)
		sys_close(fd);
	return fd;
}

/* O_PATH asks no fence; what it gives must be no way round one. */
static long reopen(int fd) {
	static char path[64];
	struct text t = {.at = path, .size = sizeof path};
	text_string(&t, "/proc/self/fd/");
	text_unsigned(&t, (uint64_t)fd);
	return try_open(text_end(&t), O_RDWR);
}

/* A node of ours with the number of the one at the path. */
static long make_alike(const char *path) {
	static struct statx found;
	long result = sys_call(__NR_statx, AT_FDCWD, (long)path, 0, STATX_TYPE, (long)&found, 0);
	if (result < 0)
		return result;
	unsigned type = found.stx_mode & 0170000;
	if (type != 0020000 && type != 0060000)
		return -ENODEV;
	result = sys_call(__NR_mknodat, AT_FDCWD, (long)PLACE, type | 0600, device(found.stx_rdev_major, found.stx_rdev_minor), 0, 0);
	if (result == 0)
		sys_unlinkat(AT_FDCWD, PLACE);
	return result;
}

static void put_node(const char *path) {
	put("node ");
	put(path);
	put_way("read", try_open(path, O_RDONLY));
	put_way("write", try_open(path, O_WRONLY));
	put_way("both", try_open(path, O_RDWR));
	int fd = sys_openat(AT_FDCWD, path, O_PATH | O_CLOEXEC, 0);
	put_way("path", fd);
	put_way("reopen", fd < 0 ? fd : reopen(fd));
	if (fd >= 0)
		sys_close(fd);
	put_way("make", make_alike(path));
	put_line();
}

static void put_nodes(char **paths) {
	for (; *paths != 0; paths++)
		put_node(*paths);
	put("end");
	put_line();
}

/* The same again at each USR1, from the same process, until TERM. */
static int watch(char **paths) {
	uint64_t all = ALL_SIGNALS;
	sys_sigmask(all);
	put_nodes(paths);
	for (;;) {
		long signal = sys_call(__NR_rt_sigtimedwait, (long)&all, 0, 0, sizeof all, 0, 0);
		if (signal == SIG_USR1)
			put_nodes(paths);
		if (signal == SIG_TERM)
			return 0;
	}
}

int nodes_command(char **arguments) {
	if (same(arguments[0], "watch-nodes"))
		return watch(arguments + 1);
	if (!same(arguments[0], "nodes"))
		return -1;
	put_nodes(arguments + 1);
	return 0;
}
