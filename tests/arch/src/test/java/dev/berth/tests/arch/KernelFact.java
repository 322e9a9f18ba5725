package dev.berth.tests.arch;

/**
 * One number that our code declares and the kernel's (or the C library's) headers define.
 *
 * @param name where it is declared, such as {@code Abi.statx.stx_mode$offset}
 * @param expression the same in C, such as {@code offsetof(struct statx, stx_mode)}
 * @param value what our code says
 */
record KernelFact(String name, String expression, long value) {}
