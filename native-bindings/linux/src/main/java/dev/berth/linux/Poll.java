package dev.berth.linux;

/** Events of {@code poll(2)}, from {@code asm-generic/poll.h}. */
public final class Poll {
    public static final int POLLIN = 0x01;
    public static final int POLLPRI = 0x02;
    public static final int POLLOUT = 0x04;
    public static final int POLLERR = 0x08;
    public static final int POLLHUP = 0x10;
    public static final int POLLNVAL = 0x20;

    private Poll() {}
}
