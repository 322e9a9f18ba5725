package dev.berth.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

class TerminalsTest {
    private static final long TIOCSPTLCK = 0x40045431L;
    private static final long TIOCGPTPEER = 0x5441L;
    private static final Terminals TERMINALS = Linux.host().terminals();
    private static final Files FILES = Linux.host().files();

    private static OwnedFd peer(Fd master) throws ErrnoException {
        SyscallNumber nr = SyscallNumber.ioctl;
        try (Scratch s = Scratch.open()) {
            MemorySegment unlock = s.struct(4);
            Syscall.check(
                    nr, Syscall.call(nr, master.number(), TIOCSPTLCK, unlock.address()), "unlock");
        }
        long flags = Open.O_RDWR | Open.O_NOCTTY | Open.O_CLOEXEC;
        return new OwnedFd(
                (int) Syscall.check(nr, Syscall.call(nr, master.number(), TIOCGPTPEER, flags), ""));
    }

    @Test
    void rawModePassesBytesUnchangedAndRestores() throws ErrnoException {
        int flags = Open.O_RDWR | Open.O_NOCTTY;
        try (OwnedFd master = FILES.openat(Fd.CWD, "/dev/ptmx", flags, 0);
                OwnedFd slave = peer(master);
                Arena arena = Arena.ofConfined()) {
            assertThat(TERMINALS.isTerminal(slave)).isTrue();
            TERMINALS.setWindowSize(master, 50, 132);
            assertThat(TERMINALS.windowSize(slave)).containsExactly(50, 132);

            MemorySegment buffer = arena.allocate(100);
            byte[] former = TERMINALS.makeRaw(slave);
            FILES.writeAll(slave, new byte[] {'a', '\n'});
            assertThat(FILES.read(master, buffer)).as("no carriage return added").isEqualTo(2);
            FILES.writeAll(master, new byte[] {3});
            assertThat(FILES.read(slave, buffer)).as("^C is a byte like any other").isEqualTo(1);
            assertThat(buffer.get(ValueLayout.JAVA_BYTE, 0)).isEqualTo((byte) 3);

            TERMINALS.restore(slave, former);
            FILES.writeAll(slave, new byte[] {'a', '\n'});
            assertThat(FILES.read(master, buffer)).isEqualTo(3);
            assertThat(TERMINALS.makeRaw(slave)).isEqualTo(former);
        }
    }

    @Test
    void whatIsNoTerminalSaysSo() throws ErrnoException {
        try (OwnedFd event = FILES.eventfd()) {
            assertThat(TERMINALS.isTerminal(event)).isFalse();
            assertThatThrownBy(() -> TERMINALS.windowSize(event))
                    .isInstanceOf(ErrnoException.class)
                    .hasMessageContaining("TIOCGWINSZ): ENOTTY");
            assertThatThrownBy(() -> TERMINALS.restore(event, new byte[3]))
                    .isInstanceOf(IllegalArgumentException.class);
        }
    }
}
