#define _GNU_SOURCE
#include "client.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

struct sim_state *sim;

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t opening = PTHREAD_MUTEX_INITIALIZER;
static int state_fd = -1;
static bool writable;
static char state_path[PATH_MAX];
static int own_slot = -1;

uint64_t sim_boot_ns(void) {
	struct timespec now;
	clock_gettime(CLOCK_BOOTTIME, &now);
	return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

uint64_t sim_real_us(void) {
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * UINT64_C(1000000) + (uint64_t)now.tv_nsec / 1000;
}

void sim_sleep_until(uint64_t boot_ns) {
	struct timespec end = {.tv_sec = (time_t)(boot_ns / UINT64_C(1000000000)), .tv_nsec = (long)(boot_ns % UINT64_C(1000000000))};
	while (clock_nanosleep(CLOCK_BOOTTIME, TIMER_ABSTIME, &end, NULL) == EINTR)
		;
}

/* A child of a process that has the state open shares its open file description, and with it its write lock: it gets one of its own. The number stays, so nothing else changes; closing the
 * inherited description takes no lock from the parent, whose POSIX locks the child never had. */
static void reopen_in_child(void) {
	pthread_mutex_init(&mutex, NULL);
	own_slot = -1;
	char link[64];
	snprintf(link, sizeof link, "/proc/self/fd/%d", state_fd);
	int fd = open(link, (writable ? O_RDWR : O_RDONLY) | O_CLOEXEC);
	if (fd >= 0) {
		dup3(fd, state_fd, O_CLOEXEC);
		close(fd);
	}
}

static int map(const char *path) {
	int fd = open(path, O_RDWR | O_CLOEXEC);
	bool rw = fd >= 0;
	if (fd < 0 && (errno == EROFS || errno == EACCES || errno == EPERM))
		fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	struct stat st;
	int failed = 0;
	void *at = MAP_FAILED;
	if (fstat(fd, &st) != 0)
		failed = -errno;
	else if (st.st_size != (off_t)sizeof(struct sim_state))
		failed = -EPROTO;
	else if ((at = mmap(NULL, sizeof(struct sim_state), rw ? PROT_READ | PROT_WRITE : PROT_READ, MAP_SHARED, fd, 0)) == MAP_FAILED)
		failed = -errno;
	if (failed == 0) {
		struct sim_state *found = at;
		if (found->magic != SIM_MAGIC || found->layout != SIM_LAYOUT || found->size != sizeof(struct sim_state) || found->gpus > SIM_GPUS) {
			munmap(at, sizeof(struct sim_state));
			failed = -EPROTO;
		}
	}
	if (failed != 0) {
		close(fd);
		return failed;
	}
	state_fd = fd;
	writable = rw;
	snprintf(state_path, sizeof state_path, "%s", path);
	pthread_atfork(NULL, NULL, reopen_in_child);
	SIM_STORE(sim, at);
	return 0;
}

/* The folder that this code was loaded from: of the library, or of the program that it is linked into. */
static bool own_folder(char *out, size_t size) {
	char path[PATH_MAX];
#ifdef BERTH_SIMULATOR_LIBRARY
	Dl_info info;
	if (dladdr((void *)&own_slot, &info) == 0 || info.dli_fname == NULL || realpath(info.dli_fname, path) == NULL)
		return false;
#else
	ssize_t length = readlink("/proc/self/exe", path, sizeof path - 1);
	if (length <= 0)
		return false;
	path[length] = 0;
#endif
	char *slash = strrchr(path, '/');
	if (slash == NULL)
		return false;
	*slash = 0;
	return (size_t)snprintf(out, size, "%s", path) < size;
}

static int find_and_map(void) {
	const char *named = getenv("BERTH_SIMULATOR_STATE");
	if (named != NULL && *named != 0)
		return map(named);
	static const char *const near[] = {"", "/../lib/x86_64-linux-gnu", "/../lib64"};
	static const char *const usual[] = {"/usr/lib/x86_64-linux-gnu", "/usr/lib64", "/usr/local/nvidia/lib64", "/run"};
	char folder[PATH_MAX - 128];
	char path[PATH_MAX];
	int result = -ENOENT;
	if (own_folder(folder, sizeof folder))
		for (size_t i = 0; i < sizeof near / sizeof *near && result == -ENOENT; i++) {
			snprintf(path, sizeof path, "%s%s/" SIM_FILE_NAME, folder, near[i]);
			result = map(path);
		}
	for (size_t i = 0; i < sizeof usual / sizeof *usual && result == -ENOENT; i++) {
		snprintf(path, sizeof path, "%s/" SIM_FILE_NAME, usual[i]);
		result = map(path);
	}
	return result;
}

int sim_open(void) {
	pthread_mutex_lock(&opening);
	int result = sim != NULL ? 0 : find_and_map();
	pthread_mutex_unlock(&opening);
	return result;
}

int sim_open_at(const char *path) {
	pthread_mutex_lock(&opening);
	int result = sim != NULL ? 0 : map(path);
	pthread_mutex_unlock(&opening);
	return result;
}

const char *sim_path(void) {
	return state_path;
}

bool sim_writable(void) {
	return writable;
}

static struct flock byte_lock(int type, int64_t at) {
	struct flock lock = {.l_whence = SEEK_SET, .l_start = at, .l_len = 1};
	lock.l_type = (short)type;
	return lock;
}

/* A holder works for microseconds, and the kernel takes the lock back from a dead one. One that keeps it for long is stopped or frozen in the middle (a paused container): others go on
 * without it then, and for a while do not wait as long again, instead of stopping too. */
#define PATIENCE_NS UINT64_C(1000000000)
#define IMPATIENCE_NS UINT64_C(10000000)
#define IMPATIENT_FOR_NS UINT64_C(5000000000)
#define RETRY_NS UINT64_C(100000)

static uint64_t impatient_until; /* under mutex */

void sim_lock(void) {
	pthread_mutex_lock(&mutex);
	struct flock lock = byte_lock(writable ? F_WRLCK : F_RDLCK, SIM_BYTE_STATE);
	uint64_t end = 0;
	while (fcntl(state_fd, F_OFD_SETLK, &lock) != 0) {
		uint64_t now = sim_boot_ns();
		if (end == 0)
			end = now + (now < impatient_until ? IMPATIENCE_NS : PATIENCE_NS);
		if (now >= end) {
			impatient_until = now + IMPATIENT_FOR_NS;
			break;
		}
		sim_sleep_until(now + RETRY_NS);
	}
}

void sim_unlock(void) {
	struct flock lock = byte_lock(F_UNLCK, SIM_BYTE_STATE);
	fcntl(state_fd, F_OFD_SETLK, &lock);
	pthread_mutex_unlock(&mutex);
}

/* ---- visibility ---- */

bool sim_is_host(void) {
	const char *host = getenv("BERTH_SIMULATOR_HOST");
	return host != NULL && strcmp(host, "1") == 0;
}

static int open_errno(const char *name) {
	const char *dev = getenv("BERTH_SIMULATOR_DEV");
	char path[PATH_MAX];
	snprintf(path, sizeof path, "%s/%s", dev != NULL && *dev != 0 ? dev : "/dev", name);
	int fd = open(path, O_RDWR | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd >= 0) {
		close(fd);
		return 0;
	}
	return errno == ENXIO ? 0 : errno;
}

int sim_control_errno(void) {
	return sim_is_host() ? 0 : open_errno("nvidiactl");
}

bool sim_visible(uint32_t gpu) {
	if (SIM_LOAD(sim->gpu[gpu].removed))
		return false;
	if (sim_is_host())
		return true;
	char name[32];
	snprintf(name, sizeof name, "nvidia%u", sim->gpu[gpu].minor);
	return open_errno(name) == 0;
}

/* ---- clients and processes ---- */

void sim_attach(uint32_t gpu) {
	struct flock lock = byte_lock(F_RDLCK, SIM_BYTE_CLIENT + gpu);
	fcntl(state_fd, F_SETLK, &lock);
}

void sim_detach(uint32_t gpu) {
	struct flock lock = byte_lock(F_UNLCK, SIM_BYTE_CLIENT + gpu);
	fcntl(state_fd, F_SETLK, &lock);
}

static pid_t holder_of(int64_t byte) {
	struct flock lock = byte_lock(F_WRLCK, byte);
	if (fcntl(state_fd, F_GETLK, &lock) != 0 || lock.l_type == F_UNLCK)
		return -1;
	return lock.l_pid;
}

pid_t sim_other_client(uint32_t gpu) {
	return holder_of(SIM_BYTE_CLIENT + gpu);
}

pid_t sim_slot_pid(uint32_t slot) {
	const struct sim_slot *s = &sim->slot[slot];
	if (!s->used)
		return -1;
	if (s->ghost_pid != 0)
		return sim_is_host() ? s->ghost_pid : 0;
	if ((int)slot == own_slot)
		return getpid();
	return holder_of(SIM_BYTE_SLOT + slot);
}

int sim_own_slot(void) {
	return own_slot;
}

int sim_slot_take(uint32_t type, const char *name) {
	if (!writable)
		return -EROFS;
	for (uint32_t i = 0; i < SIM_SLOTS; i++) {
		if (sim_slot_pid(i) >= 0)
			continue;
		struct flock lock = byte_lock(F_WRLCK, SIM_BYTE_SLOT + i);
		if (fcntl(state_fd, F_SETLK, &lock) != 0)
			continue;
		struct sim_slot *s = &sim->slot[i];
		SIM_STORE(s->used, 0);
		memset(s, 0, sizeof *s);
		s->type = type;
		s->utilization = 95;
		s->start_us = sim_real_us();
		snprintf(s->name, sizeof s->name, "%s", name);
		SIM_STORE(s->used, 1);
		own_slot = (int)i;
		return own_slot;
	}
	return -EUSERS;
}

void sim_slot_release(void) {
	if (own_slot < 0)
		return;
	SIM_STORE(sim->slot[own_slot].used, 0);
	struct flock lock = byte_lock(F_UNLCK, SIM_BYTE_SLOT + own_slot);
	fcntl(state_fd, F_SETLK, &lock);
	own_slot = -1;
}
