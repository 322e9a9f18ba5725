#define _GNU_SOURCE
#include "agent.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static void must(int ok, const char *what) {
	if (!ok) {
		perror(what);
		abort();
	}
}

struct spawner spawner_start(const char *path, int cgroup) {
	int pair[2];
	must(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0, "socketpair");
	pid_t pid = fork();
	must(pid >= 0, "fork");
	if (pid == 0) {
		int four = cgroup >= 0 ? fcntl(cgroup, F_DUPFD, 10) : fcntl(open("/dev/null", O_RDWR), F_DUPFD, 10);
		int three = fcntl(pair[1], F_DUPFD, 10);
		dup2(three, 3);
		dup2(four, 4);
		close(three);
		close(four);
		execl(path, "berth-shim", "spawner", (char *)NULL);
		_exit(126);
	}
	close(pair[1]);
	return (struct spawner){pid, pair[0]};
}

void spawner_stop(struct spawner *s) {
	close(s->socket);
	waitpid(s->pid, NULL, 0);
}

void packet_send(int socket, uint32_t magic, uint16_t type, uint32_t seq, const void *payload, uint32_t length, const int *fds, uint32_t fd_count) {
	struct packet_header header = {magic, PACKET_VERSION, type, length, seq};
	struct iovec iov[2] = {{&header, sizeof header}, {(void *)(uintptr_t)payload, length}};
	char control[CMSG_SPACE(AGENT_FDS * sizeof(int))] = {0};
	struct msghdr message = {.msg_iov = iov, .msg_iovlen = 2};
	if (fd_count > 0) {
		message.msg_control = control;
		message.msg_controllen = CMSG_SPACE(fd_count * sizeof(int));
		struct cmsghdr *c = CMSG_FIRSTHDR(&message);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(fd_count * sizeof(int));
		memcpy(CMSG_DATA(c), fds, fd_count * sizeof(int));
	}
	/* A peer that has closed its end is for the receiver to notice. */
	must(sendmsg(socket, &message, MSG_NOSIGNAL) >= 0 || errno == EPIPE, "sendmsg");
}

int packet_receive(int socket, struct message *message, int timeout_ms) {
	struct pollfd ready = {socket, POLLIN, 0};
	memset(message, 0, sizeof *message);
	if (poll(&ready, 1, timeout_ms) <= 0)
		return -1;
	struct iovec iov = {&message->header, sizeof message->header + sizeof message->payload};
	char control[CMSG_SPACE(AGENT_FDS * sizeof(int))];
	struct msghdr header = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
	ssize_t size = recvmsg(socket, &header, MSG_CMSG_CLOEXEC);
	if (size <= 0)
		return 0;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&header); c != NULL; c = CMSG_NXTHDR(&header, c))
		if (c->cmsg_type == SCM_RIGHTS) {
			message->fd_count = (uint32_t)((c->cmsg_len - CMSG_LEN(0)) / sizeof(int));
			memcpy(message->fds, CMSG_DATA(c), message->fd_count * sizeof(int));
		}
	return 1;
}

void message_close(struct message *message) {
	for (uint32_t i = 0; i < message->fd_count; i++)
		close(message->fds[i]);
	message->fd_count = 0;
}

int spawner_launch(const struct spawner *s, struct build *b, const int *fds) {
	uint8_t *bytes;
	size_t size = build_end(b, &bytes);
	int memfd = memfd_create("program", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	must(memfd >= 0 && write(memfd, bytes, size) == (ssize_t)size, "memfd");
	must(fcntl(memfd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK) == 0, "seal");
	int pair[2];
	must(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0, "socketpair");
	int all[AGENT_FDS] = {memfd, pair[1]};
	for (uint32_t i = 0; i < b->header.fd_count; i++)
		all[2 + i] = fds[i];
	uint32_t total = (uint32_t)size;
	packet_send(s->socket, SPAWNER_MAGIC, SPAWNER_LAUNCH, 1, &total, sizeof total, all, b->header.fd_count + 2);
	close(memfd);
	close(pair[1]);
	free(bytes);
	return pair[0];
}
