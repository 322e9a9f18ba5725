/* The bytes that the shim shares with agents: launch programs, packets, log files. The text is PROTOCOL.md; this file includes no system header. */
#ifndef BERTH_PROTOCOL_H
#define BERTH_PROTOCOL_H

#include <stdint.h>

#define PROGRAM_MAGIC 0x48545242u
#define PROGRAM_VERSION 1
#define PROGRAM_MAX_SIZE (1u << 20)
#define PROGRAM_MAX_REGISTERS 256
/* SCM_MAX_FD is 253; two go to the program itself and to the launch socket. */
#define PROGRAM_MAX_FDS 251
#define NAME_MAX_BYTES 64

enum program_flag { PROGRAM_TTY = 1, PROGRAM_STDIN_OPEN = 2, PROGRAM_EXEC = 4, PROGRAM_KILL_CGROUP = 8, PROGRAM_FLAGS = 15 };

struct program_header {
	uint32_t magic;
	uint16_t version;
	uint16_t flags;
	uint32_t total_size;
	uint32_t op_off;
	uint32_t host_count;
	uint32_t child_count;
	uint32_t reloc_off;
	uint32_t reloc_count;
	uint32_t data_off;
	uint32_t data_size;
	uint32_t reg_count;
	uint32_t fd_count;
	uint64_t clone_flags;
	int32_t cgroup_reg;
	int32_t log_dir_reg;
	int32_t run_dir_reg;
	int32_t stdin_reg;
	int32_t stdout_reg;
	int32_t stderr_reg;
	int32_t pty_reg;
	uint32_t log_max_bytes;
	uint32_t log_max_files;
	uint32_t record_name;
	uint32_t socket_name;
	uint32_t id;
	uint16_t rows;
	uint16_t columns;
	uint8_t zero[20];
};
_Static_assert(sizeof(struct program_header) == 128, "PROTOCOL.md section 1");

enum op_kind { OP_SYSCALL, OP_STAMP, OP_CLONE, OP_POST, OP_WAIT, OP_CHILD_FILE, OP_INIT, OP_CHILD_OPEN, OP_CLOSE, OP_KINDS };
enum arg_kind { ARG_IMMEDIATE, ARG_DATA, ARG_REGISTER, ARG_KINDS };
enum action_kind { ACT_IGNORE = 1, ACT_SKIP = 2 };
#define ACT_ANY_ERROR 0xFFFFu
#define OP_ARGS 6
#define OP_ACTIONS 4

struct op_action {
	uint16_t error;
	uint8_t act;
	uint8_t n;
};

struct op {
	uint16_t kind;
	uint8_t phase;
	uint8_t zero1;
	uint32_t label;
	int32_t nr;
	int32_t out;
	uint64_t arg[OP_ARGS];
	uint8_t argkind[OP_ARGS];
	uint8_t action_count;
	uint8_t zero2;
	uint32_t reloc_first;
	uint32_t reloc_count;
	struct op_action action[OP_ACTIONS];
};
_Static_assert(sizeof(struct op) == 96, "PROTOCOL.md section 1");

enum reloc_kind { RELOC_PTR64, RELOC_REG32, RELOC_REG64, RELOC_KINDS };

struct reloc {
	uint32_t kind;
	uint32_t at;
	uint64_t value;
};
_Static_assert(sizeof(struct reloc) == 16, "PROTOCOL.md section 1");

#define STAMPS 32
#define POINTS 32
enum stamp { STAMP_RECEIVED, STAMP_MONITOR, STAMP_HOST, STAMP_CLONE, STAMP_CLONED, STAMP_CHILD, STAMP_EXECED };

enum section { SECTION_VALIDATION, SECTION_HOST, SECTION_CHILD, SECTION_MONITOR };

#define SPAWNER_MAGIC 0x53545242u
#define MONITOR_MAGIC 0x4D545242u
#define PACKET_VERSION 1
#define PACKET_MAX_PAYLOAD 384

enum packet_type {
	SPAWNER_LAUNCH = 1,
	SPAWNER_NETNS = 2,
	SPAWNER_PING = 3,
	SPAWNER_NETNS_ANSWER = 0x82,
	SPAWNER_PONG = 0x83,
	SPAWNER_ERROR = 0x8F,

	MONITOR_HELLO = 0x01,
	MONITOR_CLOSE_STDIN = 0x02,
	MONITOR_REOPEN_LOG = 0x03,
	MONITOR_RESIZE = 0x04,
	MONITOR_STARTED = 0x10,
	MONITOR_FAILED = 0x11,
	MONITOR_EXITED = 0x12,
	MONITOR_STATE = 0x20,
	MONITOR_ACK = 0x2F,
};

struct packet_header {
	uint32_t magic;
	uint16_t version;
	uint16_t type;
	uint32_t length;
	uint32_t seq;
};

#define NETNS_MAX 64

struct netns_answer {
	int32_t error;
	uint32_t count;
};

struct pong {
	uint32_t pid;
	uint32_t zero;
	uint64_t build_id;
};

struct started {
	int32_t pid;
	uint32_t zero;
	uint64_t start_time;
	uint64_t stamps[STAMPS];
};

struct failed {
	uint32_t section;
	int32_t op;
	int32_t error;
	uint32_t zero;
	uint64_t stamps[STAMPS];
};

#define EXITED_OOM 1u

struct exited {
	int32_t wait_status;
	uint32_t flags;
	uint64_t oom_kills;
	uint64_t finished_ns;
	uint64_t user_us;
	uint64_t system_us;
	uint64_t log_dropped_bytes;
};

enum monitor_state { STATE_STARTING = 1, STATE_RUNNING = 2, STATE_ENDED = 3 };

struct state {
	uint16_t version;
	uint8_t state;
	uint8_t zero;
	int32_t pid;
	uint64_t start_time;
};

struct ack {
	uint32_t type;
	int32_t error;
};

#define LOG_MAGIC "BERTHLOG"
#define LOG_VERSION 1
#define LOG_MAX_PAYLOAD 16384

struct log_header {
	char magic[8];
	uint32_t version;
	uint32_t zero;
	uint64_t sequence;
	uint64_t created_ns;
};

enum log_stream { LOG_STDOUT = 1, LOG_STDERR = 2, LOG_END = 3 };

struct log_frame {
	uint32_t length;
	uint32_t crc;
	uint64_t realtime_ns;
	uint8_t stream;
	uint8_t zero1;
	uint16_t zero2;
	uint32_t dropped;
};
_Static_assert(sizeof(struct log_frame) == 24 && sizeof(struct log_header) == 32, "PROTOCOL.md section 5");

#endif
