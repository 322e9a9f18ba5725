/* The monitor of one container or exec: the parent of its first process, from the launch to the exit record. */
#ifndef BERTH_MONITOR_H
#define BERTH_MONITOR_H

#include "execute.h"
#include "log.h"
#include "wire.h"

#define MAX_CONNECTIONS 8

struct connection {
	int fd;
	/* Has said HELLO; only such a peer is answered and told of the end. */
	int greeted;
};

struct monitor {
	struct launch launch;
	int64_t registers[PROGRAM_MAX_REGISTERS];
	struct log log;

	uint16_t flags;
	char record_name[NAME_MAX_BYTES + 1];
	char socket_name[NAME_MAX_BYTES + 1];

	int launch_socket;
	int listener;
	struct connection connections[MAX_CONNECTIONS];

	int run_dir;
	int cgroup_dir;
	int stdin_write;
	int stdout_read;
	int stderr_read;
	int pty;
	/* cgroup.events of a cgroup that is being emptied. */
	int cgroup_events;

	int pidfd;
	int pid;
	uint64_t start_time;
	enum monitor_state state;
	/* The first process has been reaped; what is left is to empty its cgroup and its pipes. */
	int reaped;
	uint64_t drain_deadline_ns;
	struct exited exited;
	/* The launch failed; failed says where. */
	int has_failed;
	struct failed failed;
	/* Until then the pty master is left alone: nobody has its other side open, which a later open may change. */
	uint64_t pty_quiet_until_ns;
};

/* Runs a launch: packet holds the program, the launch socket and the program's descriptors. In a process of its own, forked for this. */
_Noreturn void monitor_main(struct packet *packet, uint64_t received_ns);

/* Closes what only the launch needed. */
void monitor_close_spent(struct monitor *m);

/* After CLONE: serves sockets, logs, reaps, records, and ends the process. */
_Noreturn void watch_run(struct monitor *m);

/* Ends a launch that failed (the page holds where): kills and reaps the child if there is one, records, reports, ends the process. */
_Noreturn void watch_abort(struct monitor *m);

/* Binds and listens in the run directory. 0 or a negated errno. */
int serve_listen(struct monitor *m);
void serve_accept(struct monitor *m);
/* Receives and answers one packet. 0, or -1 if the peer has gone. */
int serve_packet(struct monitor *m, int fd, int *greeted);
void serve_started(struct monitor *m);
/* Tells the launching agent and every greeted connection. */
void serve_all(struct monitor *m, enum packet_type type, const void *payload, uint32_t length);
void serve_unlink(struct monitor *m);

#endif
