#include "../shim/text.h"
#include "probe.h"

static char page[16384];

static long read_all(const char *path) {
	int fd = sys_openat(AT_FDCWD, path, O_RDONLY, 0);
	long total = 0;
	long got = 1;
	if (fd < 0)
		return fd;
	/* Files of the kernel come in pieces; what does not fit is left out. */
	while (got > 0 && total < (long)sizeof page - 1) {
		got = sys_read(fd, page + total, sizeof page - 1 - (size_t)total);
		total += got > 0 ? got : 0;
	}
	sys_close(fd);
	page[total] = 0;
	return total;
}

static char *next_line(char *line) {
	while (*line != 0 && *line != '\n')
		line++;
	if (*line == '\n')
		*line++ = 0;
	return line;
}

static char *field(char *line, int index) {
	while (index > 0 && *line != 0)
		index -= *line++ == ' ';
	return line;
}

static void put_word(const char *from) {
	size_t length = 0;
	while (from[length] != 0 && from[length] != ' ')
		length++;
	put_bytes(from, length);
}

static void report_mounts(void) {
	int count = 0;
	if (read_all("/proc/self/mountinfo") < 0)
		return;
	for (char *line = page, *next; *line != 0; line = next) {
		next = next_line(line);
		char *rest = field(line, 6);
		while (*rest != 0 && memcmp(rest, "- ", 2) != 0)
			rest = field(rest, 1);
		put("mount ");
		put_word(field(line, 4));
		put(" ");
		put_word(field(rest, 1));
		put(" ");
		put_word(field(line, 5));
		put_line();
		count++;
	}
	put("mounts ");
	put_number(count);
	put_line();
}

static void report_status(void) {
	static const char *const KEYS[][2] = {
		{"Uid:", "uid"},	   {"Gid:", "gid"},	  {"Groups:", "groups"}, {"NSpid:", "nspid"},	  {"CapInh:", "cap_inh"},	       {"CapPrm:", "cap_prm"},
		{"CapEff:", "cap_eff"}, {"CapBnd:", "cap_bnd"}, {"CapAmb:", "cap_amb"}, {"Seccomp:", "seccomp"}, {"NoNewPrivs:", "no_new_privs"}, {"Cpus_allowed_list:", "cpus_allowed"},
	};
	if (read_all("/proc/self/status") < 0)
		return;
	for (char *line = page, *next; *line != 0; line = next) {
		next = next_line(line);
		for (size_t i = 0; i < sizeof KEYS / sizeof *KEYS; i++) {
			size_t length = strlen(KEYS[i][0]);
			if (memcmp(line, KEYS[i][0], length) != 0)
				continue;
			put(KEYS[i][1]);
			for (char *c = line + length; *c != 0; c++)
				put_bytes(*c == '\t' ? " " : c, 1);
			put_line();
		}
	}
}

static void report_file(const char *key, const char *path) {
	if (read_all(path) < 0)
		return;
	for (char *line = page, *next; *line != 0; line = next) {
		next = next_line(line);
		put(key);
		put(" ");
		put(line);
		put_line();
	}
}

static void report_namespace(const char *kind) {
	char path[32];
	char target[64];
	struct text t = {.at = path, .size = sizeof path};
	text_string(&t, "/proc/self/ns/");
	text_string(&t, kind);
	long length = sys_call(__NR_readlinkat, AT_FDCWD, (long)text_end(&t), (long)target, sizeof target, 0, 0);
	if (length > 0) {
		put("namespace ");
		put_bytes(target, (size_t)length);
		put_line();
	}
}

static void report_open(const char *path) {
	int fd = sys_openat(AT_FDCWD, path, O_RDWR | O_NONBLOCK | O_NOCTTY, 0);
	if (fd == -EACCES || fd == -EROFS || fd == -EISDIR)
		fd = sys_openat(AT_FDCWD, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
	put("open ");
	put_result(path, fd);
	if (fd >= 0)
		sys_close(fd);
}

/* Makes a node where the container may write, opens it, and takes it away again. */
static void report_node(unsigned major, unsigned minor) {
	static const char *const PLACES[] = {"/dev/.berth-probe", "/tmp/.berth-probe", "/.berth-probe"};
	const char *place = PLACES[0];
	long made = -ENOENT;
	for (int i = 0; i < 3 && (made == -ENOENT || made == -EROFS || made == -EACCES); i++) {
		place = PLACES[i];
		made = sys_call(__NR_mknodat, AT_FDCWD, (long)place, 0020600, device(major, minor), 0, 0);
	}
	put("mknod c:");
	put_number(major);
	put(":");
	put_number(minor);
	put(" ");
	put_error(made);
	if (made == 0) {
		int fd = sys_openat(AT_FDCWD, place, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
		put(" open ");
		put_error(fd);
		if (fd >= 0)
			sys_close(fd);
		sys_unlinkat(AT_FDCWD, place);
	}
	put_line();
}

struct directory_entry {
	uint64_t inode;
	int64_t offset;
	uint16_t length;
	uint8_t type;
	char name[];
};

static void report_fd(int dir, const char *name) {
	char target[256];
	long length = sys_call(__NR_readlinkat, dir, (long)name, (long)target, sizeof target, 0, 0);
	put("fd ");
	put(name);
	put(" ");
	put_bytes(target, length > 0 ? (size_t)length : 0);
	put_line();
}

void report_fds(void) {
	int dir = sys_openat(AT_FDCWD, "/proc/self/fd", O_RDONLY | O_DIRECTORY, 0);
	/* Without /proc: every number is asked. */
	for (int fd = 0; dir < 0 && fd < 1024; fd++)
		if (sys_fcntl(fd, F_GETFD, 0) >= 0) {
			put("fd ");
			put_number(fd);
			put_line();
		}
	long got;
	while (dir >= 0 && (got = sys_call(__NR_getdents64, dir, (long)page, sizeof page, 0, 0, 0)) > 0)
		for (long at = 0; at < got;) {
			struct directory_entry *entry = (struct directory_entry *)(page + at);
			if (entry->name[0] != '.' && number(entry->name) != dir)
				report_fd(dir, entry->name);
			at += entry->length;
		}
	if (dir >= 0)
		sys_close(dir);
}

void report(void) {
	static const char *const NAMESPACES[] = {"mnt", "pid", "net", "ipc", "uts", "user", "cgroup", "time"};
	static const char *const LIMITS[] = {"memory.max", "memory.swap.max", "pids.max", "cpu.max", "cpu.weight", "cpuset.cpus.effective"};
	static const char *const DEVICES[] = {"/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty", "/dev/ptmx", "/dev/fuse", "/dev/kmsg", "/dev/mem", "/dev/nvidia0", "/dev/nvidiactl"};
	static const unsigned NODES[][2] = {{1, 3}, {1, 1}, {1, 11}, {10, 229}, {10, 200}, {195, 0}, {8, 0}};
	char path[64];
	put("pid ");
	put_number(sys_getpid());
	put_line();
	put("ppid ");
	put_number(sys_call(__NR_getppid, 0, 0, 0, 0, 0, 0));
	put_line();
	report_file("hostname", "/proc/sys/kernel/hostname");
	report_status();
	for (size_t i = 0; i < sizeof NAMESPACES / sizeof *NAMESPACES; i++)
		report_namespace(NAMESPACES[i]);
	report_mounts();
	report_file("cgroup", "/proc/self/cgroup");
	for (size_t i = 0; i < sizeof LIMITS / sizeof *LIMITS; i++) {
		struct text t = {.at = path, .size = sizeof path};
		text_string(&t, "/sys/fs/cgroup/");
		text_string(&t, LIMITS[i]);
		report_file(LIMITS[i], text_end(&t));
	}
	for (size_t i = 0; i < sizeof DEVICES / sizeof *DEVICES; i++)
		report_open(DEVICES[i]);
	for (size_t i = 0; i < sizeof NODES / sizeof *NODES; i++)
		report_node(NODES[i][0], NODES[i][1]);
	report_fds();
}
