#include "init.h"

#include <linux/prctl.h>

#define WNOHANG 1

struct sys_siginfo {
	int32_t number;
	int32_t rest[31];
};

static int exit_code(int status) {
	int signal = status & 0x7f;
	return signal == 0 ? status >> 8 & 0xff : 128 + signal;
}

/* Reaps all that has ended. Does not return once the main child has. */
static void reap(int child) {
	int status = 0;
	for (;;) {
		int pid = sys_wait4(-1, &status, WNOHANG, 0);
		if (pid == child)
			sys_exit(exit_code(status));
		if (pid == -ECHILD)
			sys_exit(127);
		if (pid <= 0)
			return;
	}
}

_Noreturn static void watch(int child) {
	uint64_t all = ~0ull;
	for (;;) {
		struct sys_siginfo info = {0};
		long signal = sys_call(__NR_rt_sigtimedwait, (long)&all, (long)&info, 0, sizeof all, 0, 0);
		if (signal == SIG_CHLD)
			reap(child);
		else if (signal > 0)
			sys_kill(child, (int)signal);
	}
}

/* The terminal's signals are for the child and its descendants, not for the init, which would hand each of them over a second time. */
static void take_foreground(const struct launch *l) {
	int32_t stdin_reg = l->program.header->stdin_reg;
	int terminals[] = {0, stdin_reg < 0 ? -1 : (int)l->registers[stdin_reg]};
	int self = sys_getpid();
	sys_call(__NR_setpgid, 0, 0, 0, 0, 0, 0);
	for (int i = 0; i < 2; i++)
		if (sys_ioctl(terminals[i], TIOCSPGRP, &self) == 0)
			return;
}

long init_fork(struct launch *l) {
	/* Blocked before the fork, so that no signal is lost in between; blocked signals also reach a pid 1 that has no handler. */
	sys_sigmask(~0ull);
	long child = sys_call(__NR_clone, SIG_CHLD, 0, 0, 0, 0, 0);
	if (child == 0)
		take_foreground(l);
	if (child <= 0) {
		sys_sigmask(0);
		return child;
	}
	sys_prctl(PR_SET_NAME, (unsigned long)"berth-init");
	sys_prctl(PR_SET_CHILD_SUBREAPER, 1);
	/* The program holds the container's environment, secrets included; nothing of it is to be found in this process. */
	memset(l->registers, 0, PROGRAM_MAX_REGISTERS * sizeof *l->registers);
	sys_munmap(l->base, l->size);
	sys_munmap(l->page, PAGE_SIZE);
	sys_close_range(0, ~0u);
	watch((int)child);
}
