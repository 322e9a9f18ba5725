package dev.berth.linux;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** {@link Terminals} by {@code ioctl(2)}. */
final class SyscallTerminals implements Terminals {
    static final SyscallTerminals INSTANCE = new SyscallTerminals();

    private SyscallTerminals() {}

    @Override
    public boolean isTerminal(Fd fd) {
        try (Scratch s = Scratch.open()) {
            MemorySegment termios = s.struct(Abi.termios.sizeof);
            return Syscall.call(SyscallNumber.ioctl, fd.number(), Abi.TCGETS, termios.address())
                    == 0;
        }
    }

    @Override
    public int[] windowSize(Fd fd) throws ErrnoException {
        try (Scratch s = Scratch.open()) {
            MemorySegment size = s.struct(Abi.winsize.sizeof);
            ioctl(fd, Abi.TIOCGWINSZ, size, "TIOCGWINSZ");
            return new int[] {
                size.get(ValueLayout.JAVA_SHORT, Abi.winsize.ws_row$offset) & 0xffff,
                size.get(ValueLayout.JAVA_SHORT, Abi.winsize.ws_col$offset) & 0xffff
            };
        }
    }

    @Override
    public void setWindowSize(Fd fd, int rows, int columns) throws ErrnoException {
        try (Scratch s = Scratch.open()) {
            MemorySegment size = s.struct(Abi.winsize.sizeof);
            size.set(ValueLayout.JAVA_SHORT, Abi.winsize.ws_row$offset, (short) rows);
            size.set(ValueLayout.JAVA_SHORT, Abi.winsize.ws_col$offset, (short) columns);
            ioctl(fd, Abi.TIOCSWINSZ, size, "TIOCSWINSZ");
        }
    }

    @Override
    public byte[] makeRaw(Fd fd) throws ErrnoException {
        try (Scratch s = Scratch.open()) {
            MemorySegment termios = s.struct(Abi.termios.sizeof);
            ioctl(fd, Abi.TCGETS, termios, "TCGETS");
            byte[] former = termios.toArray(ValueLayout.JAVA_BYTE);
            int input =
                    Abi.IGNBRK
                            | Abi.BRKINT
                            | Abi.PARMRK
                            | Abi.ISTRIP
                            | Abi.INLCR
                            | Abi.IGNCR
                            | Abi.ICRNL
                            | Abi.IXON;
            int local = Abi.ECHO | Abi.ECHONL | Abi.ICANON | Abi.ISIG | Abi.IEXTEN;
            change(termios, Abi.termios.c_iflag$offset, input, 0);
            change(termios, Abi.termios.c_oflag$offset, Abi.OPOST, 0);
            change(termios, Abi.termios.c_lflag$offset, local, 0);
            change(termios, Abi.termios.c_cflag$offset, Abi.CSIZE | Abi.PARENB, Abi.CS8);
            termios.set(ValueLayout.JAVA_BYTE, (long) Abi.termios.c_cc$offset + Abi.VMIN, (byte) 1);
            termios.set(
                    ValueLayout.JAVA_BYTE, (long) Abi.termios.c_cc$offset + Abi.VTIME, (byte) 0);
            ioctl(fd, Abi.TCSETSW, termios, "TCSETSW");
            return former;
        }
    }

    private static void change(MemorySegment termios, long offset, int clear, int set) {
        int flags = termios.get(ValueLayout.JAVA_INT, offset);
        termios.set(ValueLayout.JAVA_INT, offset, (flags & ~clear) | set);
    }

    @Override
    public void restore(Fd fd, byte[] termios) throws ErrnoException {
        if (termios.length != Abi.termios.sizeof) {
            throw new IllegalArgumentException(
                    termios.length + " bytes are not what makeRaw returned");
        }
        try (Scratch s = Scratch.open()) {
            MemorySegment former = s.struct(Abi.termios.sizeof);
            MemorySegment.copy(termios, 0, former, ValueLayout.JAVA_BYTE, 0, termios.length);
            ioctl(fd, Abi.TCSETSW, former, "TCSETSW");
        }
    }

    private static void ioctl(Fd fd, long request, MemorySegment argument, String name)
            throws ErrnoException {
        SyscallNumber nr = SyscallNumber.ioctl;
        long r = Syscall.call(nr, fd.number(), request, argument.address());
        if (r < 0) {
            throw Syscall.failure(nr, r, Descriptors.name(fd) + ", " + name);
        }
    }
}
