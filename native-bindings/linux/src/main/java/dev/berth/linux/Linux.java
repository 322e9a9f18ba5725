package dev.berth.linux;

/**
 * The system calls, grouped by man-page area. Tests put a fake facet where they need one.
 *
 * <p>Thread: any.
 */
public interface Linux {
    /** The kernel that this process runs on. */
    static Linux host() {
        return HostLinux.INSTANCE;
    }

    Files files();

    Mounts mounts();

    Processes processes();

    Sockets sockets();

    Bpf bpf();

    Terminals terminals();

    Epoll epoll();
}
