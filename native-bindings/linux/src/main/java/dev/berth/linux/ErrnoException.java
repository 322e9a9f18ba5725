package dev.berth.linux;

/** A system call failed: which, with what errno, on what. Message: {@code openat2(memory.max): EACCES (Permission denied)}. */
public final class ErrnoException extends Exception {
    private final String syscall;
    private final Errno errno;
    private final String detail;

    public ErrnoException(String syscall, Errno errno, String detail) {
        super(syscall + "(" + detail + "): " + errno);
        this.syscall = syscall;
        this.errno = errno;
        this.detail = detail;
    }

    /** The man-page name. */
    public String syscall() {
        return syscall;
    }

    public Errno errno() {
        return errno;
    }

    /** The object and value of the call, for people. */
    public String detail() {
        return detail;
    }
}
