package dev.berth.linux;

/**
 * The system calls, grouped by man-page area. Tests put a fake facet where they need one.
 *
 * <p>Thread: any.
 */
public interface Linux {
    Files files();

    Mounts mounts();

    Processes processes();

    Sockets sockets();

    Bpf bpf();

    Terminals terminals();
}
