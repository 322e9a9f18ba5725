/* System calls without a C library: each wrapper returns the kernel's value, a negated errno on failure. Only calls that every architecture has (no open, fork, dup2). */
#ifndef BERTH_SYS_H
#define BERTH_SYS_H

#include <asm/errno.h>
#include <asm/ioctls.h>
#include <asm/poll.h>
#include <asm/unistd.h>
#include <linux/fcntl.h>
#include <linux/resource.h>
#include <linux/time_types.h>
#include <stddef.h>
#include <stdint.h>

#if !defined(__x86_64__) && !defined(__aarch64__)
#error "the shim knows x86-64 and aarch64: add the call sequence here and in start.c"
#endif
#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "the protocol is little-endian and is read in place"
#endif

#define PAGE_SIZE 4096u
#define SIGNALS 64
#define SIG_HUP 1
#define SIG_KILL 9
#define SIG_PIPE 13
#define SIG_CHLD 17
#define SIG_STOP 19
#define NS_PER_MS 1000000ull
#define NS_PER_S 1000000000ull

#if defined(BERTH_FAKE_KERNEL)
/* Fuzz targets bring their own kernel. */
long sys_call(long nr, long a, long b, long c, long d, long e, long f);
#else
static inline long sys_call(long nr, long a, long b, long c, long d, long e, long f) {
#if defined(__x86_64__)
	long result;
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	register long r9 __asm__("r9") = f;
	__asm__ volatile("syscall" : "=a"(result) : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9) : "rcx", "r11", "memory");
	return result;
#else
	register long x8 __asm__("x8") = nr;
	register long x0 __asm__("x0") = a;
	register long x1 __asm__("x1") = b;
	register long x2 __asm__("x2") = c;
	register long x3 __asm__("x3") = d;
	register long x4 __asm__("x4") = e;
	register long x5 __asm__("x5") = f;
	__asm__ volatile("svc #0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5) : "memory");
	return x0;
#endif
}
#endif

static inline int sys_is_error(long result) {
	return result < 0 && result >= -4095;
}

static inline int sys_close(int fd) {
	return (int)sys_call(__NR_close, fd, 0, 0, 0, 0, 0);
}
static inline int sys_close_range(unsigned first, unsigned last) {
	return (int)sys_call(__NR_close_range, first, last, 0, 0, 0, 0);
}
static inline int sys_openat(int dir, const char *path, int flags, unsigned mode) {
	return (int)sys_call(__NR_openat, dir, (long)path, flags | O_CLOEXEC, mode, 0, 0);
}
static inline long sys_read(int fd, void *to, size_t size) {
	return sys_call(__NR_read, fd, (long)to, (long)size, 0, 0, 0);
}
static inline long sys_write(int fd, const void *from, size_t size) {
	return sys_call(__NR_write, fd, (long)from, (long)size, 0, 0, 0);
}
static inline long sys_pread(int fd, void *to, size_t size, uint64_t at) {
	return sys_call(__NR_pread64, fd, (long)to, (long)size, (long)at, 0, 0);
}
static inline int sys_ftruncate(int fd, uint64_t size) {
	return (int)sys_call(__NR_ftruncate, fd, (long)size, 0, 0, 0, 0);
}
static inline long sys_lseek(int fd, long at, int whence) {
	return sys_call(__NR_lseek, fd, at, whence, 0, 0, 0);
}
static inline int sys_renameat(int from_dir, const char *from, int to_dir, const char *to) {
	return (int)sys_call(__NR_renameat2, from_dir, (long)from, to_dir, (long)to, 0, 0);
}
static inline int sys_unlinkat(int dir, const char *name) {
	return (int)sys_call(__NR_unlinkat, dir, (long)name, 0, 0, 0, 0);
}
static inline int sys_mkdirat(int dir, const char *name, unsigned mode) {
	return (int)sys_call(__NR_mkdirat, dir, (long)name, mode, 0, 0, 0);
}
static inline unsigned sys_umask(unsigned mask) {
	return (unsigned)sys_call(__NR_umask, mask, 0, 0, 0, 0, 0);
}
static inline int sys_pipe(int fds[2]) {
	return (int)sys_call(__NR_pipe2, (long)fds, O_CLOEXEC, 0, 0, 0, 0);
}
static inline int sys_dup3(int from, int to, int flags) {
	return (int)sys_call(__NR_dup3, from, to, flags, 0, 0, 0);
}
static inline long sys_fcntl(int fd, int command, long argument) {
	return sys_call(__NR_fcntl, fd, command, argument, 0, 0, 0);
}
static inline int sys_ioctl(int fd, unsigned request, void *argument) {
	return (int)sys_call(__NR_ioctl, fd, request, (long)argument, 0, 0, 0);
}
static inline long sys_mmap(size_t size, int protection, int flags, int fd) {
	return sys_call(__NR_mmap, 0, (long)size, protection, flags, fd, 0);
}
static inline int sys_munmap(void *at, size_t size) {
	return (int)sys_call(__NR_munmap, (long)at, (long)size, 0, 0, 0, 0);
}
static inline int sys_prctl(int option, unsigned long argument) {
	return (int)sys_call(__NR_prctl, option, (long)argument, 0, 0, 0, 0);
}
static inline int sys_getpid(void) {
	return (int)sys_call(__NR_getpid, 0, 0, 0, 0, 0, 0);
}
static inline int sys_setsid(void) {
	return (int)sys_call(__NR_setsid, 0, 0, 0, 0, 0, 0);
}
static inline int sys_kill(int pid, int signal) {
	return (int)sys_call(__NR_kill, pid, signal, 0, 0, 0, 0);
}
static inline int sys_pidfd_send_signal(int pidfd, int signal) {
	return (int)sys_call(__NR_pidfd_send_signal, pidfd, signal, 0, 0, 0, 0);
}
static inline int sys_wait4(int pid, int *status, int options, struct rusage *usage) {
	return (int)sys_call(__NR_wait4, pid, (long)status, options, (long)usage, 0, 0);
}
static inline int sys_unshare(unsigned long flags) {
	return (int)sys_call(__NR_unshare, (long)flags, 0, 0, 0, 0, 0);
}
_Noreturn static inline void sys_exit(int status) {
	for (;;)
		sys_call(__NR_exit_group, status, 0, 0, 0, 0, 0);
}

/* The kernel's own sigaction: restorer only where the architecture wants one, and we install no handler, so it stays empty. */
struct sys_sigaction {
	unsigned long handler;
	unsigned long flags;
#if defined(__x86_64__)
	unsigned long restorer;
#endif
	uint64_t mask;
};
#define SYS_SIG_DFL 0ul
#define SYS_SIG_IGN 1ul
#define SYS_SIG_SETMASK 2

static inline int sys_signal(int signal, unsigned long disposition) {
	struct sys_sigaction action = {.handler = disposition};
	return (int)sys_call(__NR_rt_sigaction, signal, (long)&action, 0, sizeof action.mask, 0, 0);
}
static inline int sys_sigmask(uint64_t mask) {
	return (int)sys_call(__NR_rt_sigprocmask, SYS_SIG_SETMASK, (long)&mask, 0, sizeof mask, 0, 0);
}

struct sys_pollfd {
	int fd;
	short events;
	short revents;
};

/* timeout_ns below 0: for ever. */
static inline int sys_poll(struct sys_pollfd *fds, unsigned count, int64_t timeout_ns) {
	struct __kernel_timespec left = {.tv_sec = timeout_ns / (int64_t)NS_PER_S, .tv_nsec = timeout_ns % (int64_t)NS_PER_S};
	return (int)sys_call(__NR_ppoll, (long)fds, count, timeout_ns < 0 ? 0 : (long)&left, 0, 0, 0);
}

#define SYS_CLOCK_REALTIME 0
#define SYS_CLOCK_MONOTONIC 1
static inline uint64_t sys_clock(int clock) {
	struct __kernel_timespec now = {0};
	sys_call(__NR_clock_gettime, clock, (long)&now, 0, 0, 0, 0);
	return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

/* The few of string.h; gcc calls the first four itself, start.c defines them in the freestanding program. */
void *memcpy(void *restrict to, const void *restrict from, size_t size);
void *memmove(void *to, const void *from, size_t size);
void *memset(void *at, int byte, size_t size);
int memcmp(const void *a, const void *b, size_t size);
size_t strlen(const char *text);

#endif
