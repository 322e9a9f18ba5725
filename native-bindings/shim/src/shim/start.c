/* Entry without a C library, and the four functions that gcc calls by itself. */
#include "start.h"

#if defined(__x86_64__)
__asm__(".globl _start\n_start:\n\txor %ebp, %ebp\n\tmov %rsp, %rdi\n\tand $-16, %rsp\n\tcall start_c\n");
#else
__asm__(".globl _start\n_start:\n\tmov x29, #0\n\tmov x0, sp\n\tbl start_c\n");
#endif

/* stack: argc, argv[argc], 0, envp..., as the kernel leaves them. */
_Noreturn __attribute__((used)) void start_c(long *stack);

void start_c(long *stack) {
	sys_exit(program_main((int)stack[0], (char **)(stack + 1)));
}

void *memcpy(void *restrict to, const void *restrict from, size_t size) {
	for (size_t i = 0; i < size; i++)
		((uint8_t *)to)[i] = ((const uint8_t *)from)[i];
	return to;
}

void *memmove(void *to, const void *from, size_t size) {
	if ((uintptr_t)to <= (uintptr_t)from)
		return memcpy(to, from, size);
	while (size-- > 0)
		((uint8_t *)to)[size] = ((const uint8_t *)from)[size];
	return to;
}

void *memset(void *at, int byte, size_t size) {
	for (size_t i = 0; i < size; i++)
		((uint8_t *)at)[i] = (uint8_t)byte;
	return at;
}

int memcmp(const void *a, const void *b, size_t size) {
	for (size_t i = 0; i < size; i++)
		if (((const uint8_t *)a)[i] != ((const uint8_t *)b)[i])
			return ((const uint8_t *)a)[i] - ((const uint8_t *)b)[i];
	return 0;
}

size_t strlen(const char *text) {
	size_t length = 0;
	while (text[length] != 0)
		length++;
	return length;
}
