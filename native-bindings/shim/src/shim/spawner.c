#include "spawner.h"

#include <linux/magic.h>
#include <linux/prctl.h>
#include <linux/sched.h>

#include "build_id.h"
#include "monitor.h"

static void answer(uint32_t seq, enum packet_type type, const void *payload, uint32_t length) {
	struct packet_header header = {SPAWNER_MAGIC, PACKET_VERSION, (uint16_t)type, length, seq};
	wire_send(SPAWNER_SOCKET, &header, payload, 0, 0);
}

static void say_error(uint32_t seq, int error) {
	int32_t payload = error;
	answer(seq, SPAWNER_ERROR, &payload, sizeof payload);
}

/* Where the monitors go; the cgroup directory is the one thing a monitor has no use for afterwards. */
static int has_monitor_cgroup(void) {
	uint64_t statfs[32] = {0};
	return sys_call(__NR_fstatfs, SPAWNER_CGROUP, (long)statfs, 0, 0, 0, 0) == 0 && statfs[0] == CGROUP2_SUPER_MAGIC;
}

static long fork_into_cgroup(int into_cgroup) {
	struct clone_args args = {.exit_signal = SIG_CHLD};
	if (into_cgroup) {
		args.flags = CLONE_INTO_CGROUP;
		args.cgroup = SPAWNER_CGROUP;
	}
	return sys_call(__NR_clone3, (long)&args, sizeof args, 0, 0, 0, 0);
}

/* The launch socket carries every answer to a launch, so that the agent has one place to look. */
static void refuse_launch(int socket, int error) {
	struct failed failed = {.section = SECTION_MONITOR, .op = -1, .error = error};
	struct packet_header header = {MONITOR_MAGIC, PACKET_VERSION, MONITOR_FAILED, sizeof failed, 0};
	wire_send(socket, &header, &failed, 0, 0);
}

static void launch(struct packet *packet, int into_cgroup) {
	uint64_t received_ns = sys_clock(SYS_CLOCK_MONOTONIC);
	if (packet->fd_count < 2) {
		say_error(packet->header.seq, EINVAL);
		return;
	}
	long pid = fork_into_cgroup(into_cgroup);
	if (pid == 0)
		monitor_main(packet, received_ns);
	if (pid < 0)
		refuse_launch(packet->fds[1], (int)-pid);
}

static void make_netns(const struct packet *packet) {
	struct netns_answer refused = {0};
	long pid = fork_into_cgroup(0);
	if (pid == 0)
		netns_main(packet);
	refused.error = (int32_t)-pid;
	if (pid < 0)
		answer(packet->header.seq, SPAWNER_NETNS_ANSWER, &refused, sizeof refused);
}

static void pong(uint32_t seq) {
	struct pong pong = {.pid = (uint32_t)sys_getpid(), .build_id = build_id()};
	answer(seq, SPAWNER_PONG, &pong, sizeof pong);
}

static void dispatch(struct packet *packet, int into_cgroup) {
	switch (packet->header.type) {
	case SPAWNER_LAUNCH:
		launch(packet, into_cgroup);
		break;
	case SPAWNER_NETNS:
		make_netns(packet);
		break;
	case SPAWNER_PING:
		pong(packet->header.seq);
		break;
	default:
		say_error(packet->header.seq, ENOSYS);
	}
}

/* Monitors outlive whoever started the agent: nothing of it, terminal or pipe, may be held open by them. */
static int detach_streams(void) {
	int null = sys_openat(AT_FDCWD, "/dev/null", O_RDWR, 0);
	if (null < 0)
		return null;
	for (int fd = 0; fd < 3; fd++)
		if (fd != null)
			sys_dup3(null, fd, 0);
	if (null > 2)
		sys_close(null);
	return 0;
}

static int prepare(void) {
	int error = detach_streams();
	if (error < 0)
		return error;
	sys_close_range(SPAWNER_CGROUP + 1, ~0u);
	sys_setsid();
	sys_sigmask(0);
	for (int signal = 1; signal <= SIGNALS; signal++)
		sys_signal(signal, SYS_SIG_DFL);
	/* Ignored, the kernel reaps: monitors and their orphans never wait for us. */
	sys_signal(SIG_CHLD, SYS_SIG_IGN);
	sys_signal(SIG_PIPE, SYS_SIG_IGN);
	sys_prctl(PR_SET_NAME, (unsigned long)"berth-spawner");
	sys_prctl(PR_SET_CHILD_SUBREAPER, 1);
	/* Children are made by fork without exec; until their execve nobody in a container that they join may look into them. */
	sys_prctl(PR_SET_DUMPABLE, 0);
	return sandbox_enter();
}

int spawner_main(void) {
	static struct packet packet;
	int into_cgroup = has_monitor_cgroup();
	int result = prepare();
	if (result < 0) {
		say_error(0, -result);
		return 1;
	}
	for (;;) {
		result = wire_receive(SPAWNER_SOCKET, SPAWNER_MAGIC, &packet);
		if (result == -EINVAL)
			say_error(packet.header.seq, EINVAL);
		else if (result == -ENODATA || result == -ECONNRESET)
			return 0;
		else if (result < 0 && result != -EINTR && result != -EAGAIN)
			return 1;
		if (result == -EAGAIN) {
			/* Whoever made the socket may have made it non-blocking. */
			struct sys_pollfd input = {SPAWNER_SOCKET, POLLIN, 0};
			sys_poll(&input, 1, -1);
		}
		if (result == 0)
			dispatch(&packet, into_cgroup);
		wire_close_fds(&packet);
	}
}
