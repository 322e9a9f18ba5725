/* What this kernel lets this process do, found out by doing it: in children where it would change the process, with nothing left behind. */
#include <linux/filter.h>
#include <linux/mount.h>
#include <linux/openat2.h>
#include <linux/prctl.h>
#include <linux/sched.h>
#include <linux/seccomp.h>

#include "../shim/text.h"
#include "probe.h"

/* Newer than the headers of a build host may be; the kernel's numbers never change. */
#define NR_LANDLOCK_CREATE_RULESET 444
#define NR_STATMOUNT 457
#define LANDLOCK_VERSION 1
#define TREE_NAMESPACE 2
#define PIDFD_INFO_REQUEST 0xC040FF0Bu
#define PIDFD_INFO_HAS_EXIT 8ull
#define CLONE_TIME 0x80ull
#define MEMFD_CLOEXEC 1u
#define MEMFD_SEALING 2u
#define F_SEAL_ALL 15
#define ADD_SEALS 1033
#define SIG_TO_PARENT 17


static void result(const char *name, long value) {
	put("feature ");
	put_result(name, value < 0 ? value : 0);
}

static long spawn(uint64_t flags, int *pidfd, int cgroup) {
	struct clone_args args = {.flags = flags, .pidfd = (uint64_t)pidfd, .exit_signal = SIG_TO_PARENT, .cgroup = (unsigned)cgroup};
	return sys_call(__NR_clone3, (long)&args, sizeof args, 0, 0, 0, 0);
}

/* The child's exit status, which stands for an errno, or what clone3 said. */
static long outcome(long pid) {
	int status = 0;
	if (pid <= 0)
		return pid;
	sys_wait4((int)pid, &status, 0, 0);
	return -(long)((status >> 8) & 0xff);
}

static void namespaces(void) {
	static const struct {
		const char *name;
		uint64_t flag;
	} KINDS[] = {{"ns-mount", CLONE_NEWNS},   {"ns-pid", CLONE_NEWPID}, {"ns-net", CLONE_NEWNET},      {"ns-ipc", CLONE_NEWIPC},
		     {"ns-uts", CLONE_NEWUTS}, {"ns-user", CLONE_NEWUSER}, {"ns-cgroup", CLONE_NEWCGROUP}};
	for (size_t i = 0; i < sizeof KINDS / sizeof *KINDS; i++) {
		long pid = spawn(KINDS[i].flag, 0, 0);
		if (pid == 0)
			sys_exit(0);
		result(KINDS[i].name, outcome(pid));
	}
	/* clone3 does not take it: only the children of one that unshares it are in it. */
	long pid = spawn(0, 0, 0);
	if (pid == 0)
		sys_exit(-sys_unshare(CLONE_TIME));
	result("ns-time", outcome(pid));
}

static void processes(const char *cgroup) {
	int pidfd = -1;
	long pid = spawn(CLONE_PIDFD, &pidfd, 0);
	if (pid == 0)
		sys_exit(0);
	result("clone3-pidfd", outcome(pid));
	uint64_t info[8] = {PIDFD_INFO_HAS_EXIT};
	long got = pidfd < 0 ? -EBADF : sys_ioctl(pidfd, PIDFD_INFO_REQUEST, info);
	result("pidfd-exit-info", got < 0 ? got : (info[0] & PIDFD_INFO_HAS_EXIT) ? 0 : -EOPNOTSUPP);
	sys_close(pidfd);
	if (cgroup != 0) {
		int dir = sys_openat(AT_FDCWD, cgroup, O_RDONLY | O_DIRECTORY, 0);
		pid = dir < 0 ? dir : spawn(CLONE_INTO_CGROUP, 0, dir);
		if (pid == 0)
			sys_exit(0);
		result("clone-into-cgroup", outcome(pid));
		sys_close(dir);
	}
	result("close-range", sys_close_range(1000, 1001));
	struct open_how how = {.flags = O_PATH | O_DIRECTORY | O_CLOEXEC, .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS};
	long fd = sys_call(__NR_openat2, AT_FDCWD, (long)"/", (long)&how, sizeof how, 0, 0);
	result("openat2", fd);
	if (fd >= 0)
		sys_close((int)fd);
}

static long fresh_tmpfs(void) {
	long context = sys_call(__NR_fsopen, (long)"tmpfs", FSOPEN_CLOEXEC, 0, 0, 0, 0);
	if (context < 0)
		return context;
	long done = sys_call(__NR_fsconfig, context, FSCONFIG_CMD_CREATE, 0, 0, 0, 0);
	long mount = done < 0 ? done : sys_call(__NR_fsmount, context, FSMOUNT_CLOEXEC, 0, 0, 0, 0);
	sys_close((int)context);
	return mount;
}

/* An overlay of two lower layers that are named by descriptor: long stacks do not fit an option string. */
static long overlay_by_descriptor(long one, long two) {
	long context = sys_call(__NR_fsopen, (long)"overlay", FSOPEN_CLOEXEC, 0, 0, 0, 0);
	if (context < 0)
		return context;
	long done = sys_call(__NR_fsconfig, context, FSCONFIG_SET_FD, (long)"lowerdir+", 0, one, 0);
	done = done < 0 ? done : sys_call(__NR_fsconfig, context, FSCONFIG_SET_FD, (long)"lowerdir+", 0, two, 0);
	done = done < 0 ? done : sys_call(__NR_fsconfig, context, FSCONFIG_CMD_CREATE, 0, 0, 0, 0);
	sys_close((int)context);
	return done;
}

static long write_file(const char *path, const char *line) {
	int fd = sys_openat(AT_FDCWD, path, O_WRONLY, 0);
	if (fd < 0)
		return fd;
	long wrote = sys_write(fd, line, strlen(line));
	sys_close(fd);
	return wrote;
}

/* A user namespace with maps, held by a child that waits for its end of a pipe to close. */
static long mapped_user_namespace(int mount) {
	static const char *const FILES[] = {"/uid_map", "/gid_map"};
	int hold[2];
	long done = sys_pipe(hold);
	if (done < 0)
		return done;
	long pid = spawn(CLONE_NEWUSER, 0, 0);
	if (pid == 0) {
		char byte;
		sys_close(hold[1]);
		sys_read(hold[0], &byte, 1);
		sys_exit(0);
	}
	sys_close(hold[0]);
	char path[64];
	done = pid;
	for (int i = 0; i < 3 && done >= 0; i++) {
		struct text t = {.at = path, .size = sizeof path};
		text_string(&t, "/proc/");
		text_signed(&t, pid);
		text_string(&t, i < 2 ? FILES[i] : "/ns/user");
		if (i < 2) {
			done = write_file(text_end(&t), "0 100000 65536");
			continue;
		}
		int userns = sys_openat(AT_FDCWD, text_end(&t), O_RDONLY, 0);
		struct mount_attr attributes = {.attr_set = MOUNT_ATTR_IDMAP, .userns_fd = (unsigned)userns};
		done = userns < 0 ? userns : sys_call(__NR_mount_setattr, mount, (long)"", AT_EMPTY_PATH, (long)&attributes, sizeof attributes, 0);
		if (userns >= 0)
			sys_close(userns);
	}
	sys_close(hold[1]);
	outcome(pid);
	return done;
}

static void mounts(void) {
	long one = fresh_tmpfs();
	long two = fresh_tmpfs();
	result("mount-api", one);
	struct mount_attr attributes = {.attr_set = MOUNT_ATTR_RDONLY};
	result("mount-setattr", one < 0 ? one : sys_call(__NR_mount_setattr, one, (long)"", AT_EMPTY_PATH | AT_RECURSIVE, (long)&attributes, sizeof attributes, 0));
	result("overlay-lowerdir-fd", two < 0 ? two : overlay_by_descriptor(one, two));
	result("idmapped-tmpfs", two < 0 ? two : mapped_user_namespace((int)two));
	sys_close((int)one);
	sys_close((int)two);
	long overlay = sys_call(__NR_fsopen, (long)"overlay", FSOPEN_CLOEXEC, 0, 0, 0, 0);
	result("overlay", overlay);
	if (overlay >= 0)
		sys_close((int)overlay);
	long tree = sys_call(__NR_open_tree, AT_FDCWD, (long)"/dev", TREE_NAMESPACE | O_CLOEXEC, 0, 0, 0);
	result("open-tree-namespace", tree);
	if (tree >= 0)
		sys_close((int)tree);
	/* Without arguments: EFAULT or EINVAL from a kernel that has it, ENOSYS from one that has not. */
	long statmount = sys_call(NR_STATMOUNT, 0, 0, 0, 0, 0, 0);
	result("statmount", statmount == -ENOSYS || statmount == -EPERM ? statmount : 0);
}

static void confinement(void) {
	struct sock_filter allow = {.code = BPF_RET | BPF_K, .k = SECCOMP_RET_ALLOW};
	struct sock_fprog program = {.len = 1, .filter = &allow};
	long pid = spawn(0, 0, 0);
	if (pid == 0) {
		sys_prctl(PR_SET_NO_NEW_PRIVS, 1);
		sys_exit((int)-sys_call(__NR_seccomp, SECCOMP_SET_MODE_FILTER, 0, (long)&program, 0, 0, 0));
	}
	result("seccomp-filter", outcome(pid));
	long version = sys_call(NR_LANDLOCK_CREATE_RULESET, 0, 0, LANDLOCK_VERSION, 0, 0, 0);
	result("landlock", version);
}

/* A sealed memory file that is executed: how the shim starts, so that nothing on disk can be swapped for it. */
static void memory_program(char **environment) {
	static char block[8192];
	int self = sys_openat(AT_FDCWD, "/proc/self/exe", O_RDONLY, 0);
	long memory = sys_call(__NR_memfd_create, (long)"berth-doctor", MEMFD_CLOEXEC | MEMFD_SEALING, 0, 0, 0, 0);
	long got = self < 0 ? self : memory;
	while (got >= 0 && (got = sys_read(self, block, sizeof block)) > 0)
		got = sys_write((int)memory, block, (size_t)got);
	got = got < 0 ? got : sys_fcntl((int)memory, ADD_SEALS, F_SEAL_ALL);
	if (got >= 0) {
		long pid = spawn(0, 0, 0);
		if (pid == 0) {
			char *arguments[] = {(char *)"probe", (char *)"true", 0};
			sys_exit((int)-sys_call(__NR_execveat, memory, (long)"", (long)arguments, (long)environment, AT_EMPTY_PATH, 0));
		}
		got = outcome(pid);
	}
	result("memfd-exec", got);
}

int features(char **arguments, char **environment) {
	processes(arguments[0]);
	namespaces();
	mounts();
	confinement();
	memory_program(environment);
	return 0;
}
