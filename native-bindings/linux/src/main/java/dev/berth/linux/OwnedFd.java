package dev.berth.linux;

/**
 * An open file descriptor with one owner, which closes it. Handing it on is an explicit {@link #release}.
 *
 * <p>Thread: any, one at a time.
 */
public final class OwnedFd implements Fd, AutoCloseable {
    private int number;

    /** Takes ownership of an open descriptor. */
    public OwnedFd(int number) {
        if (number < 0) {
            throw new IllegalArgumentException("not a file descriptor: " + number);
        }
        this.number = number;
    }

    @Override
    public int number() {
        if (number < 0) {
            throw new IllegalStateException("file descriptor is closed or was given away");
        }
        return number;
    }

    public boolean isOpen() {
        return number >= 0;
    }

    /** Gives the descriptor away: this object no longer closes it. */
    public int release() {
        int given = number();
        number = -1;
        return given;
    }

    /** {@code close(2)}; a second close is a no-op. Errors of close are not reported: the descriptor is gone either way. */
    @Override
    public void close() {
        if (number >= 0) {
            int closing = number;
            number = -1;
            Syscall.close(closing);
        }
    }

    @Override
    public String toString() {
        return "fd " + number;
    }
}
