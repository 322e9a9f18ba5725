/* The spawner: forks a monitor for every launch. Descriptor 3 is its socket, 4 the cgroup of the monitors or /dev/null. */
#ifndef BERTH_SPAWNER_H
#define BERTH_SPAWNER_H

#include "wire.h"

#define SPAWNER_SOCKET 3
#define SPAWNER_CGROUP 4

/* Returns the exit status: 0 after the end of the stream. */
int spawner_main(void);

/* Makes the private mount namespace: an own tmpfs as root with /proc and /sys unmasked and an empty directory /root. 0 or a negated errno. */
int sandbox_enter(void);

/* Makes count network namespaces in which only loopback is up, and answers; in a process of its own, which ends with it. */
_Noreturn void netns_main(const struct packet *packet);

#endif
