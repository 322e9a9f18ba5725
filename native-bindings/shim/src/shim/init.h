/* The tiny init of a container. */
#ifndef BERTH_INIT_H
#define BERTH_INIT_H

#include "execute.h"

/* Forks. The parent never returns: it closes everything, forwards signals, reaps, and ends with the child's status (128 + n for a signal). 0 in the child, or a negated errno. */
long init_fork(struct launch *l);

#endif
