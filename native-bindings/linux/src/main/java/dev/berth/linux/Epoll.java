package dev.berth.linux;

/** {@code epoll(7)} and {@code timerfd(2)}: many descriptors and one timer behind one descriptor, which an event loop watches in turn. */
public interface Epoll {
    /** {@code epoll_create1(2)} with EPOLL_CLOEXEC. */
    OwnedFd create() throws ErrnoException;

    /** EPOLL_CTL_ADD for input, level-triggered; {@code token} comes back from {@link #wait}. A closed descriptor leaves by itself, unless a duplicate of it is open. */
    void add(Fd epoll, Fd watched, long token) throws ErrnoException;

    /** EPOLL_CTL_DEL; false when it was not there (ENOENT). */
    boolean remove(Fd epoll, Fd watched) throws ErrnoException;

    /**
     * {@code epoll_wait(2)}: fills {@code tokens} with those that are ready.
     *
     * @param timeoutMs 0 does not wait, -1 waits for ever
     * @return how many
     */
    int wait(Fd epoll, long[] tokens, int timeoutMs) throws ErrnoException;

    /** {@code timerfd_create(2)} on CLOCK_MONOTONIC, non-blocking, disarmed. */
    OwnedFd timer() throws ErrnoException;

    /** {@code timerfd_settime(2)}: readable once, so many nanoseconds from now; 0 disarms. Arming also clears what was not read. */
    void arm(Fd timer, long delayNs) throws ErrnoException;
}
