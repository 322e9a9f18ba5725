#include "monitor.h"
#include "record.h"
#include "text.h"

#define DRAIN_NS (2 * NS_PER_S)
#define PTY_QUIET_NS (100 * NS_PER_MS)

/* One for all streams: a frame is written before the next is read. */
static struct log_buffer buffer;

static void close_stream(int *fd) {
	sys_close(*fd);
	*fd = -1;
}

/* One read, one frame. */
static void pump(struct monitor *m, int *fd, enum log_stream stream) {
	long got = sys_read(*fd, buffer.payload, sizeof buffer.payload);
	if (got > 0)
		log_append(&m->log, &buffer, (uint32_t)got, stream);
	else if (got == -EIO && fd == &m->pty && !m->reaped)
		/* Its last slave was closed, but the process lives and may open another; closing the master would hang up on it. */
		m->pty_quiet_until_ns = sys_clock(SYS_CLOCK_MONOTONIC) + PTY_QUIET_NS;
	else if (got != -EAGAIN && got != -EINTR)
		close_stream(fd);
}

static int cgroup_populated(const struct monitor *m) {
	char text[256];
	return text_read_file(m->cgroup_dir, "cgroup.events", text, sizeof text) > 0 && text_value(text, "populated") != 0;
}

static void kill_cgroup(struct monitor *m) {
	int fd = sys_openat(m->cgroup_dir, "cgroup.kill", O_WRONLY, 0);
	if (fd >= 0) {
		sys_write(fd, "1", 1);
		sys_close(fd);
	}
	/* Opened before the file is read, so that a change in between wakes the poll. */
	m->cgroup_events = sys_openat(m->cgroup_dir, "cgroup.events", O_RDONLY, 0);
	if (m->cgroup_events >= 0 && !cgroup_populated(m))
		close_stream(&m->cgroup_events);
}

static void check_cgroup(struct monitor *m) {
	char text[256];
	/* Reading the polled descriptor itself is what re-arms it. */
	long got = sys_pread(m->cgroup_events, text, sizeof text - 1, 0);
	text[got > 0 ? got : 0] = 0;
	if (text_value(text, "populated") == 0)
		close_stream(&m->cgroup_events);
}

static uint64_t micros(struct __kernel_old_timeval time) {
	return (uint64_t)time.tv_sec * 1000000u + (uint64_t)time.tv_usec;
}

static void reap(struct monitor *m) {
	struct rusage usage;
	memset(&usage, 0, sizeof usage);
	int result;
	do
		result = sys_wait4(m->pid, &m->exited.wait_status, 0, &usage);
	while (result == -EINTR);
	m->exited.finished_ns = sys_clock(SYS_CLOCK_REALTIME);
	m->exited.user_us = micros(usage.ru_utime);
	m->exited.system_us = micros(usage.ru_stime);
	m->reaped = 1;
	m->pty_quiet_until_ns = 0;
	m->drain_deadline_ns = sys_clock(SYS_CLOCK_MONOTONIC) + DRAIN_NS;
	if ((m->flags & PROGRAM_KILL_CGROUP) != 0 && m->cgroup_dir >= 0)
		kill_cgroup(m);
}

/* The child has left the launch: it runs its program, or failed, or was killed on the way. */
static void leave_launch(struct monitor *m) {
	const struct launch_page *page = m->launch.page;
	close_stream(&m->launch.sync);
	if (__atomic_load_n(&page->has_failed, __ATOMIC_ACQUIRE) == 0 && page->child_left == 0)
		launch_fail(&m->launch, SECTION_CHILD, page->child_op, EOWNERDEAD);
	if (__atomic_load_n(&page->has_failed, __ATOMIC_ACQUIRE) != 0)
		watch_abort(m);
	launch_stamp(&m->launch, STAMP_EXECED);
	m->state = STATE_RUNNING;
	serve_started(m);
}

/* Bytes that say when a point was posted are of no use after the host section; only the end counts. */
static void check_sync(struct monitor *m) {
	uint8_t bytes[POINTS];
	long got = sys_read(m->launch.sync, bytes, sizeof bytes);
	if (got == 0 || got == -ECONNRESET)
		leave_launch(m);
}

_Noreturn static void finish(struct monitor *m) {
	const struct failed *failure = m->has_failed ? &m->failed : 0;
	char text[512];
	if (m->cgroup_dir >= 0 && text_read_file(m->cgroup_dir, "memory.events", text, sizeof text) > 0)
		m->exited.oom_kills = text_value(text, "oom_kill");
	if (m->exited.oom_kills > 0)
		m->exited.flags |= EXITED_OOM;
	log_append(&m->log, &buffer, 0, LOG_END);
	m->exited.log_dropped_bytes = m->log.dropped;
	m->state = STATE_ENDED;
	if (m->run_dir >= 0)
		record_write(m->run_dir, m->record_name, &m->exited, failure);
	/* Before the news: who hears it may start the next run, whose socket has the same name. */
	serve_unlink(m);
	if (failure != 0)
		serve_all(m, MONITOR_FAILED, failure, sizeof *failure);
	else
		serve_all(m, MONITOR_EXITED, &m->exited, sizeof m->exited);
	sys_exit(0);
}

/* Output that is not logged is read by the agent, which has the master too: two readers would tear it apart. */
static int pty_logged(const struct monitor *m) {
	return m->pty >= 0 && m->log.dir >= 0;
}

enum slot { SLOT_PIDFD, SLOT_SYNC, SLOT_STDOUT, SLOT_STDERR, SLOT_PTY, SLOT_CGROUP, SLOT_LAUNCH, SLOT_LISTENER, SLOT_CONNECTIONS, SLOTS = SLOT_CONNECTIONS + MAX_CONNECTIONS };

static void fill_slots(const struct monitor *m, struct sys_pollfd *slots) {
	int quiet = m->pty_quiet_until_ns > sys_clock(SYS_CLOCK_MONOTONIC);
	int fds[SLOT_CONNECTIONS] = {m->reaped ? -1 : m->pidfd, m->launch.sync, m->stdout_read, m->stderr_read, quiet || !pty_logged(m) ? -1 : m->pty, m->cgroup_events, m->launch_socket, m->listener};
	for (int i = 0; i < SLOT_CONNECTIONS; i++)
		slots[i] = (struct sys_pollfd){fds[i], i == SLOT_CGROUP ? POLLPRI : POLLIN, 0};
	for (int i = 0; i < MAX_CONNECTIONS; i++)
		slots[SLOT_CONNECTIONS + i] = (struct sys_pollfd){m->connections[i].fd, POLLIN, 0};
}

static void serve_slots(struct monitor *m, const struct sys_pollfd *slots) {
	int launcher = 1;
	if (slots[SLOT_LAUNCH].revents != 0 && serve_packet(m, m->launch_socket, &launcher) < 0)
		close_stream(&m->launch_socket);
	for (int i = 0; i < MAX_CONNECTIONS; i++) {
		struct connection *c = &m->connections[i];
		if (slots[SLOT_CONNECTIONS + i].revents != 0 && serve_packet(m, c->fd, &c->greeted) < 0)
			close_stream(&c->fd);
	}
	if (slots[SLOT_LISTENER].revents != 0)
		serve_accept(m);
}

static void dispatch(struct monitor *m, const struct sys_pollfd *slots) {
	/* Streams before the end of the process, and the launch before both: what is told keeps the order in which it happened. */
	if (slots[SLOT_SYNC].revents != 0)
		check_sync(m);
	if (slots[SLOT_STDOUT].revents != 0)
		pump(m, &m->stdout_read, LOG_STDOUT);
	if (slots[SLOT_STDERR].revents != 0)
		pump(m, &m->stderr_read, LOG_STDERR);
	if (slots[SLOT_PTY].revents != 0)
		pump(m, &m->pty, LOG_STDOUT);
	if (slots[SLOT_CGROUP].revents != 0)
		check_cgroup(m);
	if (slots[SLOT_PIDFD].revents != 0) {
		/* Dead with its end of the socket still open: some descendant of the launch has a copy. */
		if (m->launch.sync >= 0)
			leave_launch(m);
		reap(m);
	}
	serve_slots(m, slots);
}

/* Below 0: not ending, wait for ever. */
static int64_t time_left(const struct monitor *m) {
	if (!m->reaped)
		return m->pty >= 0 && m->pty_quiet_until_ns > sys_clock(SYS_CLOCK_MONOTONIC) ? (int64_t)PTY_QUIET_NS : -1;
	if (m->stdout_read < 0 && m->stderr_read < 0 && !pty_logged(m) && m->cgroup_events < 0)
		return 0;
	uint64_t now = sys_clock(SYS_CLOCK_MONOTONIC);
	return now >= m->drain_deadline_ns ? 0 : (int64_t)(m->drain_deadline_ns - now);
}

void watch_run(struct monitor *m) {
	struct sys_pollfd slots[SLOTS];
	for (;;) {
		int64_t left = time_left(m);
		if (left == 0)
			finish(m);
		fill_slots(m, slots);
		if (sys_poll(slots, SLOTS, left) > 0)
			dispatch(m, slots);
	}
}

void watch_abort(struct monitor *m) {
	const struct launch_page *page = m->launch.page;
	if (m->pid > 0) {
		/* Without the write ends of the streams here, their end is seen as in any other run. */
		monitor_close_spent(m);
		sys_pidfd_send_signal(m->pidfd, SIG_KILL);
		reap(m);
		if (m->launch.sync >= 0)
			close_stream(&m->launch.sync);
	}
	m->has_failed = 1;
	m->failed = (struct failed){.section = page->section, .op = page->op, .error = page->error};
	if (page->has_failed == 2)
		m->failed = (struct failed){.section = SECTION_CHILD, .op = page->child_op, .error = EOWNERDEAD};
	memcpy(m->failed.stamps, page->stamps, sizeof m->failed.stamps);
	if (m->pid > 0)
		watch_run(m);
	finish(m);
}
