/* What outlives whom: agents, spawners, inits, cgroups, and what is made ahead. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "drive.h"

#define MAX_TEST_CONNECTIONS 9

static char text[1 << 16];

static int connect_monitor(const struct run *r) {
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct stat status;
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	snprintf(address.sun_path, sizeof address.sun_path, "%s/monitor.sock", r->dir);
	CHECK(stat(address.sun_path, &status) == 0 && (status.st_mode & 0777) == 0600);
	CHECK(connect(fd, (struct sockaddr *)&address, sizeof address) == 0);
	return fd;
}

static void say_hello(int socket, uint16_t lowest, uint16_t highest) {
	uint16_t versions[] = {lowest, highest};
	packet_send(socket, MONITOR_MAGIC, MONITOR_HELLO, 5, versions, sizeof versions, NULL, 0);
}

/* An agent of its own: starts a spawner and a run, tells both pids, and waits to be killed. */
static void short_lived_agent(struct run *r, int news) {
	struct spawner own = spawner_start(shim_path, -1);
	r->socket = spawner_launch(&own, &r->build, r->fds);
	int pids[2] = {own.pid, 0};
	if (run_started(r))
		pids[1] = r->pid;
	if (write(news, pids, sizeof pids) != sizeof pids)
		_exit(1);
	pause();
	_exit(1);
}

static void survives_the_agent_and_the_spawner(void) {
	struct run r;
	int news[2];
	int pids[2] = {0, 0};
	run_begin(&r);
	r.build.header.flags = PROGRAM_STDIN_OPEN;
	run_clone(&r, 0);
	RUN_EXEC(&r, "tick", "3", "1", "--", "sleep-until-signal", "--", "exit", "9");
	CHECK(pipe2(news, O_CLOEXEC) == 0);
	pid_t agent = fork();
	if (agent == 0)
		short_lived_agent(&r, news[1]);
	close(news[1]);
	CHECK(read(news[0], pids, sizeof pids) == sizeof pids && pids[1] > 0);
	close(news[0]);
	r.pid = pids[1];
	int monitor = monitor_pid(&r);
	kill(agent, SIGKILL);
	waitpid(agent, NULL, 0);
	CHECK(gone(pids[0]) && kill(monitor, 0) == 0 && kill(r.pid, 0) == 0);
	CHECK(log_wait(&r, "ready"));

	r.socket = connect_monitor(&r);
	say_hello(r.socket, 1, 3);
	struct message m;
	struct state state;
	CHECK(packet_receive(r.socket, &m, PATIENCE_MS) == 1 && m.header.type == MONITOR_STATE && m.header.seq == 5);
	memcpy(&state, m.payload, sizeof state);
	CHECK(state.version == 1 && state.state == STATE_RUNNING && state.pid == r.pid && state.start_time > 0 && m.fd_count == 2);
	CHECK(m.fd_count >= 1 && syscall(SYS_pidfd_send_signal, m.fds[0], SIGUSR1, NULL, 0) == 0 && log_wait(&r, "USR1\n"));
	CHECK(syscall(SYS_pidfd_send_signal, m.fds[0], SIGTERM, NULL, 0) == 0);
	message_close(&m);
	CHECK(run_ended(&r) == 1 && r.exited.wait_status == 9 << 8);
	CHECK(gone(monitor) && faccessat(r.fds[R_DIR], "monitor.sock", F_OK, 0) != 0);
	run_end(&r);
}

static void speaks_only_to_who_greets_in_its_version(void) {
	struct run r;
	struct message m;
	struct ack ack;
	run_begin(&r);
	run_clone(&r, 0);
	RUN_EXEC(&r, "sleep-until-signal");
	run_launch(&r);
	CHECK(run_started(&r));
	int newer = connect_monitor(&r);
	say_hello(newer, 2, 9);
	CHECK(packet_receive(newer, &m, PATIENCE_MS) == 1 && m.header.type == MONITOR_ACK);
	memcpy(&ack, m.payload, sizeof ack);
	CHECK(ack.type == MONITOR_HELLO && ack.error == EPROTONOSUPPORT && packet_receive(newer, &m, PATIENCE_MS) == 0);
	int rude = connect_monitor(&r);
	packet_send(rude, MONITOR_MAGIC, MONITOR_CLOSE_STDIN, 1, NULL, 0, NULL, 0);
	CHECK(packet_receive(rude, &m, PATIENCE_MS) == 1 && m.header.type == MONITOR_ACK);
	memcpy(&ack, m.payload, sizeof ack);
	CHECK(ack.error == EPROTO);
	int many[MAX_TEST_CONNECTIONS];
	for (int i = 0; i < MAX_TEST_CONNECTIONS; i++) {
		many[i] = connect_monitor(&r);
		say_hello(many[i], 1, 1);
	}
	/* Beyond the limit a connection is closed, and the others are served. */
	CHECK(packet_receive(many[0], &m, PATIENCE_MS) == 1 && m.header.type == MONITOR_STATE);
	message_close(&m);
	CHECK(packet_receive(many[MAX_TEST_CONNECTIONS - 1], &m, PATIENCE_MS) == 0);
	CHECK(log_wait(&r, "ready") && syscall(SYS_pidfd_send_signal, r.pidfd, SIGTERM, NULL, 0) == 0 && run_ended(&r) == 1);
	for (int i = 0; i < MAX_TEST_CONNECTIONS; i++)
		close(many[i]);
	close(rude);
	close(newer);
	run_end(&r);
}

static void has_an_init(void) {
	struct run r;
	run_begin(&r);
	run_clone(&r, CLONE_NEWPID);
	build_op(&r.build, OP_INIT);
	RUN_EXEC(&r, "syscall", "39", "--", "orphans", "5", "--", "exit", "7");
	run_launch(&r);
	CHECK(run_started(&r) && run_ended(&r) == 1 && r.exited.wait_status == 7 << 8);
	CHECK(log_text(r.fds[R_DIR], "log", LOG_STDOUT, text, sizeof text, NULL) > 0 && strncmp(text, "syscall 2\n", 10) == 0);
	run_end(&r);

	run_begin(&r);
	run_clone(&r, CLONE_NEWPID);
	build_op(&r.build, OP_INIT);
	RUN_EXEC(&r, "sleep-until-signal");
	run_launch(&r);
	CHECK(run_started(&r) && log_wait(&r, "ready"));
	/* The init is the process that the monitor knows: it holds nothing open, and hands signals on. */
	CHECK(fd_count(r.pid) == 0);
	CHECK(syscall(SYS_pidfd_send_signal, r.pidfd, SIGUSR2, NULL, 0) == 0 && log_wait(&r, "USR2\n"));
	CHECK(syscall(SYS_pidfd_send_signal, r.pidfd, SIGTERM, NULL, 0) == 0);
	CHECK(run_ended(&r) == 1 && r.exited.wait_status == 0);
	run_end(&r);

	run_begin(&r);
	run_clone(&r, CLONE_NEWPID);
	build_op(&r.build, OP_INIT);
	build_syscall(&r.build, SYS_chdir, DAT(build_string(&r.build, "/no/such/place")), IMM(0), IMM(0), IMM(0), IMM(0));
	run_launch(&r);
	CHECK(run_ended(&r) == 0 && r.failed.section == SECTION_CHILD && r.failed.op == 1 && r.failed.error == ENOENT);
	run_end(&r);
}

static void joins_a_running_container(void) {
	struct run r;
	struct run e;
	run_begin(&r);
	run_clone(&r, CLONE_NEWPID | CLONE_NEWUTS);
	RUN_EXEC(&r, "sleep-until-signal");
	run_launch(&r);
	CHECK(run_started(&r) && log_wait(&r, "ready"));
	run_begin(&e);
	e.fds[R_EXTRA1] = r.pidfd;
	e.build.header.flags = PROGRAM_EXEC;
	build_syscall(&e.build, SYS_setns, REG(R_EXTRA1), IMM(CLONE_NEWPID), IMM(0), IMM(0), IMM(0));
	run_clone(&e, 0);
	build_syscall(&e.build, SYS_setns, REG(R_EXTRA1), IMM(CLONE_NEWUTS), IMM(0), IMM(0), IMM(0));
	RUN_EXEC(&e, "syscall", "39", "--", "exit", "4");
	run_launch(&e);
	CHECK(run_started(&e) && run_ended(&e) == 1 && e.exited.wait_status == 4 << 8);
	CHECK(log_text(e.fds[R_DIR], "log", LOG_STDOUT, text, sizeof text, NULL) > 0 && strcmp(text, "syscall 2\n") == 0);
	run_end(&e);
	CHECK(syscall(SYS_pidfd_send_signal, r.pidfd, SIGKILL, NULL, 0) == 0 && run_ended(&r) == 1 && r.exited.wait_status == SIGKILL);
	run_end(&r);
}

static long now_ms(void) {
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void empties_the_cgroup(int kills) {
	struct run r;
	char path[300];
	run_begin(&r);
	int cgroup = r.fds[R_EXTRA1] = cgroup_make(path, sizeof path);
	if (!CHECK(cgroup >= 0)) {
		run_end(&r);
		return;
	}
	r.build.header.cgroup_reg = R_EXTRA1;
	r.build.header.flags = kills ? PROGRAM_KILL_CGROUP : 0;
	run_clone(&r, 0);
	RUN_EXEC(&r, "cat", "/proc/self/cgroup", "--", "leave-child");
	run_launch(&r);
	CHECK(run_started(&r));
	long before = now_ms();
	CHECK(run_ended(&r) == 1 && r.exited.wait_status == 0);
	long took = now_ms() - before;
	CHECK(file_text(cgroup, "cgroup.events", text, sizeof text) > 0);
	CHECK((strstr(text, "populated 0") != NULL) == kills);
	/* The streams that the child left behind holds open are given up after two seconds. */
	CHECK(kills ? took < 1500 : took >= 1900);
	CHECK(log_text(r.fds[R_DIR], "log", LOG_STDOUT, text, sizeof text, NULL) > 0 && strstr(text, strrchr(path, '/')) != NULL && strstr(text, "left ") != NULL);
	if (!kills) {
		int fd = openat(cgroup, "cgroup.kill", O_WRONLY | O_CLOEXEC);
		CHECK(write(fd, "1", 1) == 1);
		close(fd);
	}
	close(cgroup);
	int removed = -1;
	for (int i = 0; i < PATIENCE_MS && (removed = rmdir(path)) != 0; i++)
		poll(NULL, 0, 1);
	CHECK(removed == 0);
	run_end(&r);
}

static void kills_what_is_left(void) {
	empties_the_cgroup(1);
}

static void gives_up_on_streams_held_open(void) {
	empties_the_cgroup(0);
}

static void says_when_the_clone_fails(void) {
	struct run r;
	run_begin(&r);
	r.build.header.cgroup_reg = R_DIR;
	run_clone(&r, 0);
	RUN_EXEC(&r, "true");
	run_launch(&r);
	CHECK(run_ended(&r) == 0 && r.failed.section == SECTION_HOST && r.failed.op == 0 && r.failed.error == EBADF);
	run_end(&r);
}

static int loopback_is_up(int netns) {
	pid_t pid = fork();
	if (pid == 0) {
		struct ifreq request = {.ifr_name = "lo"};
		int fd = setns(netns, CLONE_NEWNET) == 0 ? socket(AF_INET, SOCK_DGRAM, 0) : -1;
		_exit(fd >= 0 && ioctl(fd, SIOCGIFFLAGS, &request) == 0 && (request.ifr_flags & IFF_UP) != 0 ? 0 : 1);
	}
	int status = -1;
	waitpid(pid, &status, 0);
	return status == 0;
}

static void makes_network_namespaces(void) {
	struct message m;
	struct netns_answer answer;
	struct stat own;
	struct stat made[3];
	uint32_t count = 3;
	packet_send(spawner.socket, SPAWNER_MAGIC, SPAWNER_NETNS, 11, &count, sizeof count, NULL, 0);
	CHECK(packet_receive(spawner.socket, &m, PATIENCE_MS) == 1 && m.header.type == SPAWNER_NETNS_ANSWER && m.header.seq == 11);
	memcpy(&answer, m.payload, sizeof answer);
	CHECK(answer.error == 0 && answer.count == 3 && m.fd_count == 3 && stat("/proc/self/ns/net", &own) == 0);
	for (uint32_t i = 0; i < m.fd_count && i < 3; i++) {
		CHECK(fstat(m.fds[i], &made[i]) == 0 && made[i].st_ino != own.st_ino && (i == 0 || made[i].st_ino != made[i - 1].st_ino));
		CHECK(loopback_is_up(m.fds[i]));
	}
	message_close(&m);
	count = 65;
	packet_send(spawner.socket, SPAWNER_MAGIC, SPAWNER_NETNS, 12, &count, sizeof count, NULL, 0);
	CHECK(packet_receive(spawner.socket, &m, PATIENCE_MS) == 1 && m.header.seq == 12);
	memcpy(&answer, m.payload, sizeof answer);
	CHECK(answer.error == EINVAL && m.fd_count == 0);
}

const struct test LIFE_TESTS[] = {
	{"survives the agent and the spawner", survives_the_agent_and_the_spawner},
	{"speaks only to who greets in its version", speaks_only_to_who_greets_in_its_version},
	{"has an init", has_an_init},
	{"joins a running container", joins_a_running_container},
	{"kills what is left", kills_what_is_left},
	{"gives up on streams held open", gives_up_on_streams_held_open},
	{"says when the clone fails", says_when_the_clone_fails},
	{"makes network namespaces", makes_network_namespaces},
	{NULL, NULL},
};
