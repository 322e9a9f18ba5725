#include "monitor.h"

#include <linux/mman.h>
#include <linux/prctl.h>
#include <linux/sched.h>

#include "text.h"

#define AF_UNIX_FAMILY 1
#define SOCK_STREAM_CLOEXEC (1 | 02000000)

/* The only one of this process; static, so that the stack stays within the pages that the fork has touched anyway. */
static struct monitor monitor;

static void fail(struct monitor *m, enum section section, int op, int error) {
	launch_fail(&m->launch, section, op, error);
	watch_abort(m);
}

/* keep is ascending; 0 to 2 stay as well. */
static void close_all_but(const int *keep, uint32_t count) {
	unsigned from = 3;
	for (uint32_t i = 0; i < count; i++) {
		if ((unsigned)keep[i] > from)
			sys_close_range(from, (unsigned)keep[i] - 1);
		if ((unsigned)keep[i] >= from)
			from = (unsigned)keep[i] + 1;
	}
	sys_close_range(from, ~0u);
}

static void sort(int *values, uint32_t count) {
	for (uint32_t i = 1; i < count; i++)
		for (uint32_t j = i; j > 0 && values[j - 1] > values[j]; j--) {
			int value = values[j];
			values[j] = values[j - 1];
			values[j - 1] = value;
		}
}

static void close_inherited(const struct packet *packet) {
	int keep[WIRE_MAX_FDS];
	memcpy(keep, packet->fds, packet->fd_count * sizeof(int));
	sort(keep, packet->fd_count);
	close_all_but(keep, packet->fd_count);
}

/* Private and writable, since relocations and register patches go into the mapping; the seals make sure that nothing changes under the checks. */
static int map_program(struct monitor *m, int memfd) {
	long needed = F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK;
	long seals = sys_fcntl(memfd, F_GET_SEALS, 0);
	if (seals < 0 || (seals & needed) != needed)
		return EINVAL;
	long size = sys_lseek(memfd, 0, 2);
	if (size <= 0 || size > (long)PROGRAM_MAX_SIZE)
		return EINVAL;
	long base = sys_mmap((size_t)size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_POPULATE, memfd);
	if (sys_is_error(base))
		return (int)-base;
	m->launch.base = (void *)base;
	m->launch.size = (size_t)size;
	return program_view(m->launch.base, m->launch.size, &m->launch.program);
}

static int from_register(const struct monitor *m, int32_t reg) {
	return reg < 0 ? -1 : (int)m->registers[reg];
}

static void copy_name(char *to, const struct program *p, uint32_t at) {
	const char *name = program_string(p, at);
	memcpy(to, name, strlen(name) + 1);
}

static void set_title(const struct program *p) {
	char title[16 + NAME_MAX_BYTES];
	struct text t = {.at = title, .size = sizeof title};
	text_string(&t, "berth:");
	text_string(&t, program_string(p, p->header->id));
	sys_prctl(PR_SET_NAME, (unsigned long)text_end(&t));
}

static void load(struct monitor *m, struct packet *packet) {
	struct launch *l = &m->launch;
	int error = map_program(m, packet->fds[0]);
	if (error == 0 && l->program.header->fd_count != packet->fd_count - 2)
		error = EINVAL;
	if (error != 0)
		fail(m, SECTION_VALIDATION, -1, error);
	const struct program_header *h = l->program.header;
	program_link(&l->program);
	for (uint32_t i = 0; i < PROGRAM_MAX_REGISTERS; i++)
		m->registers[i] = i < h->fd_count ? packet->fds[2 + i] : -1;
	m->flags = h->flags;
	copy_name(m->record_name, &l->program, h->record_name);
	copy_name(m->socket_name, &l->program, h->socket_name);
	m->run_dir = from_register(m, h->run_dir_reg);
	set_title(&l->program);
	log_prepare(&m->log, from_register(m, h->log_dir_reg), h->log_max_bytes, h->log_max_files);
}

/* A fresh description of /dev/null: one that is shared between containers would share its flags. The number 0 is the spawner's /dev/null. */
static int open_null(void) {
	return sys_openat(AT_FDCWD, "/proc/self/fd/0", O_RDWR, 0);
}

static int make_output(struct monitor *m, int32_t reg, int *read_end) {
	int ends[2];
	if (reg < (int32_t)m->launch.program.header->fd_count || m->registers[reg] >= 0)
		return 0;
	int result = sys_pipe(ends);
	if (result < 0)
		return result;
	*read_end = ends[0];
	m->registers[reg] = ends[1];
	return 0;
}

static int make_input(struct monitor *m, int32_t reg) {
	int ends[2];
	if (reg < (int32_t)m->launch.program.header->fd_count)
		return 0;
	if ((m->flags & PROGRAM_STDIN_OPEN) == 0) {
		ends[0] = open_null();
		if (ends[0] < 0)
			return ends[0];
	} else {
		int result = sys_pipe(ends);
		if (result < 0)
			return result;
		m->stdin_write = ends[1];
	}
	m->registers[reg] = ends[0];
	return 0;
}

static void make_streams(struct monitor *m) {
	const struct program_header *h = m->launch.program.header;
	if ((m->flags & PROGRAM_TTY) != 0)
		return;
	int result = make_input(m, h->stdin_reg);
	if (result == 0)
		result = make_output(m, h->stdout_reg, &m->stdout_read);
	if (result == 0)
		result = make_output(m, h->stderr_reg, &m->stderr_read);
	if (result < 0)
		fail(m, SECTION_MONITOR, -1, -result);
}

static uint64_t read_start_time(int pid) {
	char buffer[1024];
	char name[32];
	struct text path = {.at = name, .size = sizeof name};
	text_string(&path, "/proc/");
	text_unsigned(&path, (uint64_t)pid);
	text_string(&path, "/stat");
	if (text_read_file(AT_FDCWD, text_end(&path), buffer, sizeof buffer) <= 0)
		return 0;
	/* The name in parentheses may hold anything, so fields are counted from its end; the 22nd of all is the 20th after it. */
	char *at = buffer + strlen(buffer);
	while (at > buffer && *at != ')')
		at--;
	for (int field = 0; field < 20; field++) {
		while (*at != 0 && *at != ' ')
			at++;
		at += *at == ' ';
	}
	uint64_t value = 0;
	for (; *at >= '0' && *at <= '9'; at++)
		value = value * 10 + (uint64_t)(*at - '0');
	return value;
}

static void clone_child(struct monitor *m) {
	struct launch *l = &m->launch;
	const struct program_header *h = l->program.header;
	const struct op *op = &l->program.ops[l->program.clone_at];
	int sync[2];
	int error = (int)sys_call(__NR_socketpair, AF_UNIX_FAMILY, SOCK_STREAM_CLOEXEC, 0, (long)sync, 0, 0);
	if (error < 0)
		fail(m, SECTION_MONITOR, -1, -error);
	struct clone_args args = {.flags = h->clone_flags | CLONE_PIDFD, .pidfd = (uint64_t)(uintptr_t)&m->pidfd, .exit_signal = SIG_CHLD};
	int cgroup = from_register(m, h->cgroup_reg);
	if (h->cgroup_reg >= 0) {
		args.flags |= CLONE_INTO_CGROUP;
		args.cgroup = (uint32_t)cgroup;
	}
	launch_stamp(l, STAMP_CLONE);
	long pid = sys_call(__NR_clone3, (long)&args, sizeof args, 0, 0, 0, 0);
	if (pid == 0) {
		sys_close(sync[0]);
		l->sync = sync[1];
		launch_child(l);
	}
	launch_stamp(l, STAMP_CLONED);
	if (pid < 0)
		fail(m, SECTION_HOST, (int)l->program.clone_at, (int)-pid);
	sys_close(sync[1]);
	l->sync = sync[0];
	l->child = m->pid = (int)pid;
	m->cgroup_dir = cgroup;
	if (op->out >= 0)
		m->registers[op->out] = m->pidfd;
}

static void add(int *keep, uint32_t *count, int fd) {
	if (fd >= 0)
		keep[(*count)++] = fd;
}

/* Whatever the host section opened or the agent sent is the child's now; held open here it would keep mounts, namespaces and pipes alive for the container's whole life. */
void monitor_close_spent(struct monitor *m) {
	int keep[16 + MAX_CONNECTIONS];
	uint32_t count = 0;
	add(keep, &count, m->launch_socket);
	add(keep, &count, m->listener);
	add(keep, &count, m->run_dir);
	add(keep, &count, m->log.dir);
	add(keep, &count, m->log.fd);
	add(keep, &count, m->cgroup_dir);
	add(keep, &count, m->stdin_write);
	add(keep, &count, m->stdout_read);
	add(keep, &count, m->stderr_read);
	add(keep, &count, m->pty);
	add(keep, &count, m->pidfd);
	add(keep, &count, m->launch.sync);
	for (int i = 0; i < MAX_CONNECTIONS; i++)
		add(keep, &count, m->connections[i].fd);
	sort(keep, count);
	close_all_but(keep, count);
}

static void set_window(struct monitor *m) {
	const struct program_header *h = m->launch.program.header;
	m->pty = from_register(m, h->pty_reg);
	uint16_t window[4] = {h->rows, h->columns, 0, 0};
	if (m->pty >= 0 && h->rows > 0 && h->columns > 0)
		sys_ioctl(m->pty, TIOCSWINSZ, window);
}

static void prepare(struct monitor *m, struct packet *packet, uint64_t received_ns) {
	close_inherited(packet);
	sys_sigmask(~0ull);
	sys_signal(SIG_PIPE, SYS_SIG_IGN);
	sys_signal(SIG_CHLD, SYS_SIG_DFL);
	memset(m, 0, sizeof *m);
	m->launch_socket = packet->fds[1];
	m->listener = m->run_dir = m->cgroup_dir = m->stdin_write = m->stdout_read = m->stderr_read = m->pty = m->cgroup_events = m->pidfd = -1;
	m->log = (struct log){.dir = -1, .fd = -1};
	m->state = STATE_STARTING;
	for (int i = 0; i < MAX_CONNECTIONS; i++)
		m->connections[i].fd = -1;
	m->launch.section = SECTION_HOST;
	m->launch.sync = -1;
	m->launch.registers = m->registers;
	long page = sys_mmap(PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1);
	if (sys_is_error(page))
		sys_exit(1);
	m->launch.page = (struct launch_page *)page;
	m->launch.page->stamps[STAMP_RECEIVED] = received_ns;
	launch_stamp(&m->launch, STAMP_MONITOR);
}

/* What nobody waits for until the child has left the launch, done while it is in it. */
static void settle(struct monitor *m) {
	sys_setsid();
	m->start_time = read_start_time(m->pid);
	int error = serve_listen(m);
	if (error < 0)
		fail(m, SECTION_MONITOR, -1, -error);
	log_open(&m->log);
}

void monitor_main(struct packet *packet, uint64_t received_ns) {
	struct monitor *m = &monitor;
	struct launch *l = &m->launch;
	prepare(m, packet, received_ns);
	load(m, packet);
	make_streams(m);
	launch_stamp(l, STAMP_HOST);
	if (launch_run(l, 0, l->program.clone_at) < 0)
		watch_abort(m);
	/* Before the child can ask for it; an exec's terminal is made by the child itself, and its master is fetched by the ops after CLONE. */
	set_window(m);
	clone_child(m);
	if (launch_run(l, l->program.clone_at + 1, l->program.header->host_count) < 0)
		watch_abort(m);
	if (m->pty < 0)
		set_window(m);
	settle(m);
	monitor_close_spent(m);
	sys_munmap(l->base, l->size);
	watch_run(m);
}
