/* Writes the first inputs of the fuzz corpora, into program/, packet/ and log/ of the current directory. */
#include <stdio.h>
#include <string.h>

#include "../../shim/log.h"
#include "build.h"

static void save(const char *name, const void *bytes, size_t size) {
	FILE *file = fopen(name, "wb");
	if (file != NULL) {
		fwrite(bytes, 1, size, file);
		fclose(file);
	}
}

static void seed_program(const char *name, int rich) {
	static const char *const WORDS[] = {"/bin/true", "x", NULL};
	static struct build b;
	uint8_t *bytes;
	build_begin(&b, 3);
	b.header.run_dir_reg = b.header.log_dir_reg = 0;
	b.header.stdin_reg = 3;
	b.header.stdout_reg = 4;
	b.header.stderr_reg = 5;
	if (rich) {
		b.header.flags = PROGRAM_TTY | PROGRAM_KILL_CGROUP;
		b.header.pty_reg = 6;
		b.header.cgroup_reg = 1;
		struct op *op = build_syscall(&b, 3, REG(1), DAT(8), IMM(7), IMM(0), IMM(0));
		op->out = 7;
		build_on(op, 2, ACT_SKIP, 1);
		build_on(op, ACT_ANY_ERROR, ACT_IGNORE, 0);
		build_op(&b, OP_STAMP)->arg[0] = 8;
	}
	build_op(&b, OP_CLONE)->out = rich ? 8 : -1;
	if (rich) {
		build_op(&b, OP_WAIT)->arg[0] = 1;
		struct op *file = build_op(&b, OP_CHILD_FILE);
		file->arg[0] = build_string(&b, "uid_map");
		file->arg[1] = build_string(&b, "0 0 1");
		file->arg[2] = 5;
		struct op *open = build_op(&b, OP_CHILD_OPEN);
		open->arg[0] = build_string(&b, "ns/user");
		open->out = 9;
		build_op(&b, OP_POST)->arg[0] = 2;
	}
	build_child(&b);
	if (rich) {
		build_op(&b, OP_POST)->arg[0] = 1;
		build_op(&b, OP_INIT);
		build_op(&b, OP_CLOSE)->arg[0] = 3;
	}
	uint32_t words = build_strings(&b, WORDS);
	struct op *exec = build_syscall(&b, 59, DAT(words), DAT(words), REG(3), IMM(0), IMM(0));
	if (rich) {
		exec->reloc_first = b.header.reloc_count;
		exec->reloc_count = 2;
		b.relocs[b.header.reloc_count++] = (struct reloc){RELOC_REG32, words, 3};
		b.relocs[b.header.reloc_count++] = (struct reloc){RELOC_REG64, words + 8, 4};
	}
	size_t size = build_end(&b, &bytes);
	save(name, bytes, size);
}

struct packets {
	uint8_t bytes[1024];
	size_t size;
};

static void add_packet(struct packets *p, uint32_t magic, uint16_t type, const void *payload, uint32_t length, uint8_t fds) {
	struct packet_header header = {magic, PACKET_VERSION, type, length, 1};
	p->bytes[p->size++] = (uint8_t)((sizeof header + length) / 2);
	p->bytes[p->size++] = fds;
	p->bytes[p->size++] = 0;
	memcpy(p->bytes + p->size, &header, sizeof header);
	memcpy(p->bytes + p->size + sizeof header, payload, length);
	p->size += sizeof header + length;
}

static void seed_packets(void) {
	/* As many zeroes as the spawner's preparation makes calls that answer from the input, then one for each send. */
	struct packets spawner = {{0}, 31};
	add_packet(&spawner, SPAWNER_MAGIC, SPAWNER_LAUNCH, "\0\1\0\0", 4, 5);
	add_packet(&spawner, SPAWNER_MAGIC, SPAWNER_NETNS, "\4\0\0\0", 4, 0);
	add_packet(&spawner, SPAWNER_MAGIC, SPAWNER_PING, "", 0, 0);
	save("packet/spawner", spawner.bytes, spawner.size);
	struct packets monitor = {{1, 1}, 2};
	add_packet(&monitor, MONITOR_MAGIC, MONITOR_HELLO, "\1\0\1\0", 4, 0);
	monitor.bytes[monitor.size++] = 1;
	add_packet(&monitor, MONITOR_MAGIC, MONITOR_RESIZE, "\1\0\1\0", 4, 0);
	monitor.bytes[monitor.size++] = 1;
	monitor.bytes[monitor.size++] = 1;
	add_packet(&monitor, MONITOR_MAGIC, MONITOR_REOPEN_LOG, "", 0, 1);
	save("packet/monitor", monitor.bytes, monitor.size);
}

static void seed_log(void) {
	uint8_t file[256] = {0};
	struct log_header header = {.magic = LOG_MAGIC, .version = LOG_VERSION, .sequence = 1};
	size_t size = sizeof header;
	memcpy(file, &header, sizeof header);
	for (int i = 0; i < 2; i++) {
		struct log_frame frame = {.length = 6, .stream = LOG_STDOUT};
		memcpy(file + size + sizeof frame, "hello\n", 6);
		memcpy(file + size, &frame, sizeof frame);
		frame.crc = log_crc(0, file + size + 8, sizeof frame - 8 + 6);
		memcpy(file + size, &frame, sizeof frame);
		size += sizeof frame + 6;
	}
	save("log/two-frames", file, size);
	save("log/torn", file, size - 3);
}

int main(void) {
	seed_program("program/plain", 0);
	seed_program("program/rich", 1);
	seed_packets();
	seed_log();
	return 0;
}
