#include "monitor.h"
#include "text.h"

#define AF_UNIX_FAMILY 1
#define SOCK_SEQPACKET_CLOEXEC (5 | 02000000)
#define SOCK_NONBLOCK_FLAG 04000

struct sys_sockaddr_un {
	uint16_t family;
	char path[108];
};

static int send_packet(int fd, uint32_t seq, enum packet_type type, const void *payload, uint32_t length, const int *fds, uint32_t fd_count) {
	struct packet_header header = {MONITOR_MAGIC, PACKET_VERSION, (uint16_t)type, length, seq};
	return wire_send(fd, &header, payload, fds, fd_count);
}

int serve_listen(struct monitor *m) {
	struct sys_sockaddr_un address = {.family = AF_UNIX_FAMILY};
	struct text path = {.at = address.path, .size = sizeof address.path};
	/* By the directory's descriptor, since the run directory has no path in this mount namespace. */
	text_string(&path, "/proc/self/fd/");
	text_unsigned(&path, (uint64_t)m->run_dir);
	text_string(&path, "/");
	text_string(&path, m->socket_name);
	text_end(&path);
	int fd = (int)sys_call(__NR_socket, AF_UNIX_FAMILY, SOCK_SEQPACKET_CLOEXEC | SOCK_NONBLOCK_FLAG, 0, 0, 0, 0);
	if (fd < 0)
		return fd;
	/* A monitor that was killed leaves its socket behind. */
	sys_unlinkat(m->run_dir, m->socket_name);
	unsigned mask = sys_umask(0177);
	int result = (int)sys_call(__NR_bind, fd, (long)&address, sizeof address, 0, 0, 0);
	sys_umask(mask);
	if (result == 0)
		result = (int)sys_call(__NR_listen, fd, MAX_CONNECTIONS, 0, 0, 0, 0);
	if (result < 0)
		sys_close(fd);
	else
		m->listener = fd;
	return result;
}

void serve_unlink(struct monitor *m) {
	if (m->listener >= 0)
		sys_unlinkat(m->run_dir, m->socket_name);
}

void serve_accept(struct monitor *m) {
	int fd = (int)sys_call(__NR_accept4, m->listener, 0, 0, SOCK_SEQPACKET_CLOEXEC & ~5, 0, 0);
	for (int i = 0; fd >= 0 && i < MAX_CONNECTIONS; i++)
		if (m->connections[i].fd < 0) {
			m->connections[i] = (struct connection){fd, 0};
			return;
		}
	if (fd >= 0)
		sys_close(fd);
}

/* The pidfd, then the way to the process's input. */
static uint32_t handles(const struct monitor *m, int fds[2]) {
	uint32_t count = 0;
	if (m->pidfd >= 0)
		fds[count++] = m->pidfd;
	if (m->stdin_write >= 0 || m->pty >= 0)
		fds[count++] = m->pty >= 0 ? m->pty : m->stdin_write;
	return count;
}

void serve_started(struct monitor *m) {
	struct started started = {.pid = m->pid, .start_time = m->start_time};
	int fds[2];
	uint32_t count = handles(m, fds);
	memcpy(started.stamps, m->launch.page->stamps, sizeof started.stamps);
	if (m->launch_socket >= 0)
		send_packet(m->launch_socket, 0, MONITOR_STARTED, &started, sizeof started, fds, count);
	for (int i = 0; i < MAX_CONNECTIONS; i++)
		if (m->connections[i].fd >= 0 && m->connections[i].greeted)
			send_packet(m->connections[i].fd, 0, MONITOR_STARTED, &started, sizeof started, fds, count);
}

void serve_all(struct monitor *m, enum packet_type type, const void *payload, uint32_t length) {
	if (m->launch_socket >= 0)
		send_packet(m->launch_socket, 0, type, payload, length, 0, 0);
	for (int i = 0; i < MAX_CONNECTIONS; i++)
		if (m->connections[i].fd >= 0 && m->connections[i].greeted)
			send_packet(m->connections[i].fd, 0, type, payload, length, 0, 0);
}

static int say_state(const struct monitor *m, int fd, uint32_t seq) {
	struct state state = {.version = PACKET_VERSION, .state = (uint8_t)m->state, .pid = m->pid, .start_time = m->start_time};
	int fds[2];
	return send_packet(fd, seq, MONITOR_STATE, &state, sizeof state, fds, handles(m, fds));
}

static int close_input(struct monitor *m) {
	if (m->stdin_write < 0)
		return EBADF;
	sys_close(m->stdin_write);
	m->stdin_write = -1;
	return 0;
}

static int resize(const struct monitor *m, const struct packet *packet) {
	uint16_t window[4] = {0};
	if (packet->header.length != 4)
		return EINVAL;
	memcpy(window, packet->payload, 4);
	return m->pty < 0 ? ENOTTY : -sys_ioctl(m->pty, TIOCSWINSZ, window);
}

static int reopen_log(struct monitor *m, struct packet *packet) {
	int dir = packet->fd_count == 1 ? packet->fds[0] : -1;
	if (packet->fd_count > 1)
		return EINVAL;
	packet->fd_count = 0;
	return -log_reopen(&m->log, dir);
}

/* 0, or -1 if this peer and we have no version in common. */
static int greet(const struct monitor *m, int fd, const struct packet *packet, int *greeted) {
	uint16_t versions[2] = {0};
	if (packet->header.length == sizeof versions)
		memcpy(versions, packet->payload, sizeof versions);
	if (versions[0] > PACKET_VERSION || versions[1] < PACKET_VERSION) {
		struct ack ack = {MONITOR_HELLO, EPROTONOSUPPORT};
		send_packet(fd, packet->header.seq, MONITOR_ACK, &ack, sizeof ack, 0, 0);
		return -1;
	}
	*greeted = 1;
	return say_state(m, fd, packet->header.seq) == 0 ? 0 : -1;
}

int serve_packet(struct monitor *m, int fd, int *greeted) {
	struct packet packet;
	int result = wire_receive(fd, MONITOR_MAGIC, &packet);
	if (result == -EAGAIN)
		return 0;
	if (result < 0 && result != -EINVAL)
		return -1;
	struct ack ack = {packet.header.type, EINVAL};
	if (result == 0 && packet.header.type == MONITOR_HELLO) {
		wire_close_fds(&packet);
		return greet(m, fd, &packet, greeted);
	}
	if (result == 0 && !*greeted)
		ack.error = EPROTO;
	else if (result == 0 && packet.header.type == MONITOR_CLOSE_STDIN)
		ack.error = close_input(m);
	else if (result == 0 && packet.header.type == MONITOR_REOPEN_LOG)
		ack.error = reopen_log(m, &packet);
	else if (result == 0 && packet.header.type == MONITOR_RESIZE)
		ack.error = resize(m, &packet);
	wire_close_fds(&packet);
	return send_packet(fd, packet.header.seq, MONITOR_ACK, &ack, sizeof ack, 0, 0) == 0 ? 0 : -1;
}
