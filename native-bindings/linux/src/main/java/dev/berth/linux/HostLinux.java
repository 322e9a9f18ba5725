package dev.berth.linux;

/** This machine's kernel. A facet's class is loaded when it is first asked for. */
final class HostLinux implements Linux {
    static final HostLinux INSTANCE = new HostLinux();

    private HostLinux() {}

    @Override
    public Files files() {
        return SyscallFiles.INSTANCE;
    }

    @Override
    public Mounts mounts() {
        return SyscallMounts.INSTANCE;
    }

    @Override
    public Processes processes() {
        return SyscallProcesses.INSTANCE;
    }

    @Override
    public Sockets sockets() {
        return SyscallSockets.INSTANCE;
    }

    @Override
    public Bpf bpf() {
        return SyscallBpf.INSTANCE;
    }

    @Override
    public Terminals terminals() {
        return SyscallTerminals.INSTANCE;
    }

    @Override
    public Epoll epoll() {
        return SyscallEpoll.INSTANCE;
    }
}
