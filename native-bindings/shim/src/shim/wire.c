#include "wire.h"

#define MSG_CTRUNC 0x08
#define MSG_TRUNC 0x20
#define MSG_DONTWAIT 0x40
#define MSG_NOSIGNAL 0x4000
#define MSG_CMSG_CLOEXEC 0x40000000
#define SOL_SOCKET_LEVEL 1
#define SCM_RIGHTS_TYPE 1
#define SEND_PATIENCE_NS NS_PER_S

struct sys_iovec {
	const void *base;
	size_t size;
};

struct sys_msghdr {
	void *name;
	uint32_t name_size;
	uint32_t pad1;
	const struct sys_iovec *iov;
	size_t iov_count;
	void *control;
	size_t control_size;
	int32_t flags;
	uint32_t pad2;
};

struct control {
	size_t length;
	int32_t level;
	int32_t type;
	int fds[WIRE_MAX_FDS];
	int pad;
};
#define CONTROL_HEAD offsetof(struct control, fds)

int wire_check(const struct packet *packet, size_t size, uint32_t magic) {
	const struct packet_header *h = &packet->header;
	if (size < sizeof *h || h->magic != magic || h->version != PACKET_VERSION)
		return EINVAL;
	return h->length <= PACKET_MAX_PAYLOAD && h->length == size - sizeof *h ? 0 : EINVAL;
}

void wire_close_fds(struct packet *packet) {
	for (uint32_t i = 0; i < packet->fd_count; i++)
		sys_close(packet->fds[i]);
	packet->fd_count = 0;
}

int wire_receive(int socket, uint32_t magic, struct packet *packet) {
	struct control control = {0};
	struct sys_iovec iov = {&packet->header, sizeof packet->header + sizeof packet->payload};
	struct sys_msghdr message = {.iov = &iov, .iov_count = 1, .control = &control, .control_size = sizeof control};
	memset(&packet->header, 0, sizeof packet->header);
	packet->fd_count = 0;
	long size = sys_call(__NR_recvmsg, socket, (long)&message, MSG_CMSG_CLOEXEC, 0, 0, 0);
	if (size < 0)
		return (int)size;
	if (message.control_size >= CONTROL_HEAD && control.level == SOL_SOCKET_LEVEL && control.type == SCM_RIGHTS_TYPE) {
		packet->fd_count = (uint32_t)((control.length - CONTROL_HEAD) / sizeof(int));
		memcpy(packet->fds, control.fds, packet->fd_count * sizeof(int));
	}
	if (size == 0 && packet->fd_count == 0)
		return -ENODATA;
	if ((message.flags & (MSG_TRUNC | MSG_CTRUNC)) != 0 || wire_check(packet, (size_t)size, magic) != 0) {
		wire_close_fds(packet);
		return -EINVAL;
	}
	return 0;
}

int wire_send(int socket, const struct packet_header *header, const void *payload, const int *fds, uint32_t fd_count) {
	struct control control = {.length = CONTROL_HEAD + fd_count * sizeof(int), .level = SOL_SOCKET_LEVEL, .type = SCM_RIGHTS_TYPE};
	struct sys_iovec iov[2] = {{header, sizeof *header}, {payload, header->length}};
	struct sys_msghdr message = {.iov = iov, .iov_count = 2};
	if (fd_count > 0) {
		memcpy(control.fds, fds, fd_count * sizeof(int));
		message.control = &control;
		message.control_size = (control.length + sizeof(size_t) - 1) & ~(sizeof(size_t) - 1);
	}
	uint64_t deadline = sys_clock(SYS_CLOCK_MONOTONIC) + SEND_PATIENCE_NS;
	for (;;) {
		long sent = sys_call(__NR_sendmsg, socket, (long)&message, MSG_NOSIGNAL | MSG_DONTWAIT, 0, 0, 0);
		if (sent != -EAGAIN)
			return sent < 0 ? (int)sent : 0;
		/* A peer that does not read must not hold up a container's end: the record says the same. */
		uint64_t now = sys_clock(SYS_CLOCK_MONOTONIC);
		struct sys_pollfd room = {socket, POLLOUT, 0};
		if (now >= deadline || sys_poll(&room, 1, (int64_t)(deadline - now)) <= 0)
			return -EAGAIN;
	}
}
