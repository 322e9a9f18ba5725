/* The op executor: the same code runs the host section in the parent of a container and the child section in the child. It knows nothing of sockets, logs or records, so that
 * whoever is to be the parent can use it. */
#ifndef BERTH_EXECUTE_H
#define BERTH_EXECUTE_H

#include "program.h"
#include "sys.h"

/* Shared by the two sides of a launch until execve; a page of its own, so that nothing else of the parent can be seen from the child. */
struct launch_page {
	uint64_t stamps[STAMPS];
	/* The first failure, of either side. */
	int32_t has_failed;
	uint32_t section;
	int32_t op;
	int32_t error;
	/* How far the child is: the op it is at, and whether that is its last (an execve or INIT that has taken over). */
	int32_t child_op;
	int32_t child_left;
};

struct launch {
	struct program program;
	struct launch_page *page;
	int64_t *registers;
	enum section section;
	/* This side's end of the socket between the two: POST and WAIT, and an end-of-file when the child has left. */
	int sync;
	uint32_t points;
	/* Host side only, 0 before CLONE. */
	int child;
	/* The memory that holds the program. */
	void *base;
	size_t size;
};

void launch_stamp(struct launch *l, uint32_t index);

/* Notes a failure unless there is one already: what comes after the first is its consequence. Returns -1. */
int launch_fail(struct launch *l, enum section section, int op, int error);

/* Runs the ops [from, to) of the whole op table; never a CLONE. 0, or -1 and the failure stands in the page. */
int launch_run(struct launch *l, uint32_t from, uint32_t to);

/* Runs the whole child section, in the child. */
_Noreturn void launch_child(struct launch *l);

#endif
