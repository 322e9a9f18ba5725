/* The agent's side of the protocols, for tests. */
#ifndef BERTH_TEST_AGENT_H
#define BERTH_TEST_AGENT_H

#include <sys/types.h>

#include "build.h"

#define AGENT_FDS 253

struct message {
	struct packet_header header;
	uint8_t payload[PACKET_MAX_PAYLOAD];
	uint32_t fd_count;
	int fds[AGENT_FDS];
};

struct spawner {
	pid_t pid;
	int socket;
};

/* Starts the program at path as a spawner; cgroup may be -1. */
struct spawner spawner_start(const char *path, int cgroup);
/* Ends it by the end of its stream and waits. */
void spawner_stop(struct spawner *s);

void packet_send(int socket, uint32_t magic, uint16_t type, uint32_t seq, const void *payload, uint32_t length, const int *fds, uint32_t fd_count);
/* Waits at most timeout_ms. 1; 0 at the end of the stream; -1 if nothing came. */
int packet_receive(int socket, struct message *message, int timeout_ms);
void message_close(struct message *message);

/* Seals the program, sends it, and returns the launch socket. The descriptors stay the caller's. */
int spawner_launch(const struct spawner *s, struct build *b, const int *fds);

#endif
