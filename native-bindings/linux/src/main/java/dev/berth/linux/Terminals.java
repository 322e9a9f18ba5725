package dev.berth.linux;

/** {@code termios(3)} and window sizes, for the command line and for attached terminals. */
public interface Terminals {
    boolean isTerminal(Fd fd);

    /** TIOCGWINSZ: {rows, columns}. */
    int[] windowSize(Fd fd) throws ErrnoException;

    void setWindowSize(Fd fd, int rows, int columns) throws ErrnoException;

    /** Switches to raw mode as {@code cfmakeraw(3)} does; the returned bytes are the former {@code struct termios}. */
    byte[] makeRaw(Fd fd) throws ErrnoException;

    void restore(Fd fd, byte[] termios) throws ErrnoException;
}
