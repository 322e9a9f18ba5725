/* Packets over SEQPACKET sockets, with descriptors. */
#ifndef BERTH_WIRE_H
#define BERTH_WIRE_H

#include "protocol.h"
#include "sys.h"

/* SCM_MAX_FD of the kernel. */
#define WIRE_MAX_FDS 253

struct packet {
	struct packet_header header;
	uint8_t payload[PACKET_MAX_PAYLOAD];
	uint32_t fd_count;
	int fds[WIRE_MAX_FDS];
};

/* Checks the first size bytes of *packet as a packet of this magic. 0 or EINVAL. */
int wire_check(const struct packet *packet, size_t size, uint32_t magic);

/* Receives one packet. 0; -ENODATA at the end of the stream; -EAGAIN; -EINVAL for a packet that cannot be understood, with *packet's seq as far as it was there; or another
 * negated errno of the socket. Descriptors are CLOEXEC and the caller's; none are left open after an error. */
int wire_receive(int socket, uint32_t magic, struct packet *packet);

/* Sends one packet; waits at most a second for room. 0 or a negated errno. The descriptors stay the caller's. */
int wire_send(int socket, const struct packet_header *header, const void *payload, const int *fds, uint32_t fd_count);

void wire_close_fds(struct packet *packet);

#endif
