/* The integration driver: plays the agent against the real spawner, as root. */
#ifndef BERTH_TEST_DRIVE_H
#define BERTH_TEST_DRIVE_H

#include <stdio.h>

#include "agent.h"

#define PATIENCE_MS 10000

/* Given on the command line. */
extern const char *shim_path;
extern int probe_fd;
extern struct spawner spawner;
extern const char *failed_check;

/* Notes the first check that does not hold; the test goes on to clean up. */
#define CHECK(condition) check((condition), #condition, __FILE__, __LINE__)
int check(int holds, const char *text, const char *file, int line);

/* Registers of every run: what came with it, then the streams, then what is free for the test. */
enum { R_DIR, R_EXE, R_EXTRA1, R_EXTRA2, R_GIVEN, R_STDIN = R_GIVEN, R_STDOUT, R_STDERR, R_FREE };

struct run {
	struct build build;
	char dir[64];
	int fds[R_GIVEN];
	int socket;
	struct message started;
	struct exited exited;
	struct failed failed;
	int pid;
	int pidfd;
	int input;
};

/* Fills a run with its own directory and default streams; ops of the host section may follow, then run_clone, then ops of the child, then run_exec. */
void run_begin(struct run *r);
void run_clone(struct run *r, uint64_t clone_flags);
/* dup3 of the streams, then execve of the probe with these words, the last of them null. */
void run_exec(struct run *r, const char *const *words);
#define RUN_EXEC(r, ...) run_exec((r), (const char *const[]){"berth-probe", __VA_ARGS__, NULL})
void run_launch(struct run *r);
/* 1 once STARTED is here, 0 if FAILED came. */
int run_started(struct run *r);
/* Waits for EXITED (1) or FAILED (0); -1 if neither comes. */
int run_ended(struct run *r);
/* Closes and deletes everything of it. */
void run_end(struct run *r);
/* Begin, launch and wait for the end of a plain command; the wait status. */
int run_plain(struct run *r, const char *const *words);

/* Payloads of one stream of a log file, verified frame by frame; the length, or -1 for a file that is damaged. frames may be null. */
long log_text(int dir, const char *name, int stream, char *to, size_t size, int *frames);
long file_text(int dir, const char *name, char *to, size_t size);
/* The number of descriptors of a process, or -1. */
int fd_count(pid_t pid);
/* Waits until the text is in the log of stdout. */
int log_wait(struct run *r, const char *text);
int monitor_pid(const struct run *r);
/* Waits for a process that is not ours to be gone. */
int gone(pid_t pid);
/* A fresh cgroup of the unified hierarchy, opened; -1 if the host has none. */
int cgroup_make(char *path, size_t size);

struct test {
	const char *name;
	void (*run)(void);
};
extern const struct test RUN_TESTS[];
extern const struct test LIFE_TESTS[];
extern const struct test COST_TESTS[];

#endif
