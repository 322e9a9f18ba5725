#include "../shim/text.h"
#include "probe.h"

#define ALL_SIGNALS (~0ull)
#define SIG_TERM 15

static int echo(char **words) {
	for (int i = 0; words[i] != 0; i++) {
		put(i > 0 ? " " : "");
		put(words[i]);
	}
	put_line();
	return 0;
}

static int each_line(char **words) {
	for (; *words != 0; words++) {
		put(*words);
		put_line();
	}
	return 0;
}

static int copy(int from) {
	char bytes[4096];
	long got;
	while ((got = sys_read(from, bytes, sizeof bytes)) > 0)
		for (long at = 0, wrote; at < got; at += wrote)
			if ((wrote = sys_write(1, bytes + at, (size_t)(got - at))) <= 0)
				return 1;
	return got < 0;
}

static int cat(char **paths) {
	if (*paths == 0)
		return copy(0);
	for (; *paths != 0; paths++) {
		int fd = sys_openat(AT_FDCWD, *paths, O_RDONLY, 0);
		if (fd < 0)
			return put_result(*paths, fd);
		copy(fd);
		sys_close(fd);
	}
	return 0;
}

/* Says "ready", then the name of each signal; ends with 0 on TERM unless that is to be withstood. */
static int sleep_until_signal(char **options) {
	int withstand = *options != 0 && same(*options, "--ignore-term");
	uint64_t all = ALL_SIGNALS;
	sys_sigmask(all);
	put("ready");
	put_line();
	for (;;) {
		long signal = sys_call(__NR_rt_sigtimedwait, (long)&all, 0, 0, sizeof all, 0, 0);
		if (signal <= 0)
			continue;
		put_signal(signal);
		put_line();
		if (signal == SIG_TERM && !withstand)
			return 0;
	}
}

static int open_path(char **arguments) {
	int flags = O_RDONLY;
	if (arguments[1] != 0)
		flags = same(arguments[1], "w") ? O_WRONLY : same(arguments[1], "rw") ? O_RDWR : O_RDONLY;
	return put_result(arguments[0], sys_openat(AT_FDCWD, arguments[0], flags | O_NONBLOCK | O_NOCTTY, 0));
}

static int mknod_path(char **arguments) {
	if (arguments[1] == 0 || arguments[2] == 0 || arguments[3] == 0)
		return 2;
	unsigned type = arguments[1][0] == 'b' ? 0060000 : 0020000;
	unsigned node = device((unsigned)number(arguments[2]), (unsigned)number(arguments[3]));
	return put_result(arguments[0], sys_call(__NR_mknodat, AT_FDCWD, (long)arguments[0], type | 0600, node, 0, 0));
}

/* Arguments are numbers, or text behind "str:". */
static int raw_syscall(char **arguments) {
	long values[7] = {0};
	for (int i = 0; i < 7 && arguments[i] != 0; i++)
		values[i] = memcmp(arguments[i], "str:", 4) == 0 ? (long)(arguments[i] + 4) : number(arguments[i]);
	long result = sys_call(values[0], values[1], values[2], values[3], values[4], values[5], values[6]);
	if (sys_is_error(result))
		return put_result("syscall", result);
	put("syscall ");
	put_number(result);
	put_line();
	return 0;
}

/* The terminal on standard input: its size and whether it is the controlling one. */
static int tty(void) {
	uint16_t window[4] = {0};
	int session = 0;
	int result = sys_ioctl(0, TIOCGWINSZ, window);
	if (result < 0)
		return put_result("tty", result);
	put("tty ");
	put_number(window[0]);
	put(" ");
	put_number(window[1]);
	put(sys_ioctl(0, TIOCGSID, &session) == 0 ? " controlling" : " foreign");
	put_line();
	return 0;
}

int command(char **arguments, char **environment) {
	const char *name = arguments[0];
	char **rest = arguments + 1;
	if (same(name, "true") || same(name, "false"))
		return name[0] == 'f';
	if (same(name, "echo"))
		return echo(rest);
	if (same(name, "args"))
		return each_line(rest);
	if (same(name, "env"))
		return each_line(environment);
	if (same(name, "cat"))
		return cat(rest);
	if (same(name, "sleep-until-signal"))
		return sleep_until_signal(rest);
	if (same(name, "tty"))
		return tty();
	if (same(name, "report") || same(name, "fds")) {
		if (name[0] == 'r')
			report();
		else
			report_fds();
		return 0;
	}
	if (same(name, "features"))
		return features(rest, environment);
	if (*rest == 0)
		return -1;
	if (same(name, "exit"))
		sys_exit((int)number(*rest));
	if (same(name, "open"))
		return open_path(rest);
	if (same(name, "mknod"))
		return mknod_path(rest);
	return same(name, "syscall") ? raw_syscall(rest) : -1;
}
