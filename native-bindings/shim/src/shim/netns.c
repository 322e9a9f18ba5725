#include "spawner.h"

#include <linux/sched.h>
#include <linux/sockios.h>

/* linux/if.h wants a C library's socket.h. */
struct interface_flags {
	char name[16];
	uint16_t flags;
	uint8_t rest[22];
};
#define IFF_UP_FLAG 1
#define AF_INET_FAMILY 2
#define SOCK_DGRAM_CLOEXEC (2 | 02000000)

static int loopback_up(void) {
	struct interface_flags request = {.name = "lo"};
	int fd = (int)sys_call(__NR_socket, AF_INET_FAMILY, SOCK_DGRAM_CLOEXEC, 0, 0, 0, 0);
	if (fd < 0)
		return fd;
	int result = sys_ioctl(fd, SIOCGIFFLAGS, &request);
	request.flags |= IFF_UP_FLAG;
	if (result == 0)
		result = sys_ioctl(fd, SIOCSIFFLAGS, &request);
	sys_close(fd);
	return result;
}

static int make_one(void) {
	int result = sys_unshare(CLONE_NEWNET);
	if (result == 0)
		result = loopback_up();
	return result == 0 ? sys_openat(AT_FDCWD, "/proc/self/ns/net", O_RDONLY, 0) : result;
}

void netns_main(const struct packet *packet) {
	struct netns_answer answer = {0};
	int fds[NETNS_MAX];
	uint32_t wanted = 0;
	if (packet->header.length == sizeof wanted)
		memcpy(&wanted, packet->payload, sizeof wanted);
	if (wanted == 0 || wanted > NETNS_MAX)
		answer.error = EINVAL;
	while (answer.error == 0 && answer.count < wanted) {
		int fd = make_one();
		if (fd < 0)
			answer.error = -fd;
		else
			fds[answer.count++] = fd;
	}
	/* What could be made is handed over even if the rest failed. */
	struct packet_header header = {SPAWNER_MAGIC, PACKET_VERSION, SPAWNER_NETNS_ANSWER, sizeof answer, packet->header.seq};
	wire_send(SPAWNER_SOCKET, &header, &answer, fds, answer.count);
	sys_exit(0);
}
