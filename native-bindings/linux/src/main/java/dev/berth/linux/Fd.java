package dev.berth.linux;

/** A file descriptor that somebody else owns and keeps open for the time of the call. */
public sealed interface Fd permits OwnedFd, BorrowedFd {
    /** {@code AT_FDCWD}: relative paths start at the working directory, absolute ones at the root. */
    Fd CWD = new BorrowedFd(-100);

    /** The descriptor's number in this process. */
    int number();

    /** A view of a number whose owner is elsewhere (a Netty channel, file descriptor 0 to 2). */
    static Fd borrowed(int number) {
        return new BorrowedFd(number);
    }
}
