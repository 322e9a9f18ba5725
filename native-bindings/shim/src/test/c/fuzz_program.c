/* The validator on hostile bytes, and, for what it lets through, the executor of both sections: nothing that passes may make it read or write outside the program. */
#include <stdlib.h>

#include "../../shim/execute.h"
#include "fake_kernel.h"

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size);

/* A program may ask for any call with any pointer; that is the kernel's to judge. Moved out of the way of those that the fake kernel plays for the shim itself. */
static void disarm(struct launch *l) {
	struct op *ops = (struct op *)((uint8_t *)l->base + l->program.header->op_off);
	for (uint32_t i = 0; i < l->program.header->host_count + l->program.header->child_count; i++)
		if (ops[i].kind == OP_SYSCALL && ops[i].nr != __NR_execve)
			ops[i].nr |= 1 << 20;
}

static void execute(struct launch *l) {
	const struct program_header *h = l->program.header;
	disarm(l);
	program_link(&l->program);
	l->section = SECTION_HOST;
	launch_run(l, 0, l->program.clone_at);
	l->child = 1;
	launch_run(l, l->program.clone_at + 1, h->host_count);
	l->section = SECTION_CHILD;
	launch_run(l, h->host_count, h->host_count + h->child_count);
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size) {
	static struct launch_page page;
	static int64_t registers[PROGRAM_MAX_REGISTERS];
	struct launch l = {.page = &page, .registers = registers, .sync = 3, .size = size};
	/* A block of exactly this size, so that one byte too far is seen. */
	l.base = malloc(size > 0 ? size : 1);
	if (l.base == NULL)
		return 0;
	memcpy(l.base, input, size);
	memset(&page, 0, sizeof page);
	if (program_view(l.base, size, &l.program) == 0) {
		/* Registers are as many as the header says; more than that must stay untouched. */
		uint32_t count = l.program.header->reg_count;
		for (uint32_t i = 0; i < PROGRAM_MAX_REGISTERS; i++)
			registers[i] = i < count ? -1 : 0x5a5a5a5a;
		fake_kernel_begin(input + size / 2, size - size / 2);
		execute(&l);
		for (uint32_t i = count; i < PROGRAM_MAX_REGISTERS; i++)
			if (registers[i] != 0x5a5a5a5a)
				abort();
	}
	free(l.base);
	return 0;
}
