package dev.berth.containerizer.launch;

import dev.berth.isolator.LaunchOp;
import dev.berth.isolator.LaunchPlan;
import dev.berth.isolator.Phase;
import dev.berth.isolator.Slot;
import dev.berth.linux.Errno;

import java.util.Map;

/** Standard streams and the pty. Thread: one. */
final class TerminalLowering {
    /** Where an exec'd child puts its master for the monitor to fetch: above what a launch has open, below the usual limit of 1024. */
    private static final int HANDOVER = 250;

    private static final int OPENED = 0;
    private static final int FETCHED = 1;

    private final ProgramBuilder builder;
    private int stdin = -1;
    private int stdout = -1;
    private int stderr = -1;
    private int master = -1;
    private int pidfd = -1;
    private int rows;
    private int columns;
    private boolean terminal;
    private boolean inside;
    private boolean stdinOpen;
    private String owner = "";

    TerminalLowering(ProgramBuilder builder) {
        this.builder = builder;
    }

    /** Decides on the registers, before any op. */
    void streams(LaunchPlan plan, Map<Slot, Integer> slots) {
        for (LaunchPlan.OwnedOp owned : plan.ops()) {
            switch (owned.op()) {
                case LaunchOp.OpenTerminal o -> terminal(o.rows(), o.columns());
                case LaunchOp.OpenTerminalInside o -> {
                    terminal(o.rows(), o.columns());
                    inside = true;
                    pidfd = builder.register();
                    owner = owned.isolator();
                }
                case LaunchOp.StartSession o -> stdinOpen = o.openStdin();
                default -> {}
            }
        }
        if (terminal) {
            master = builder.register();
            stdin = builder.register();
            stdout = stdin;
            stderr = stdin;
        } else {
            stdin = slots.containsKey(Slot.STDIN) ? slots.get(Slot.STDIN) : builder.register();
            stdout = slots.containsKey(Slot.STDOUT) ? slots.get(Slot.STDOUT) : builder.register();
            stderr = slots.containsKey(Slot.STDERR) ? slots.get(Slot.STDERR) : builder.register();
        }
    }

    private void terminal(int asked, int width) {
        terminal = true;
        rows = asked;
        columns = width;
    }

    boolean terminal() {
        return terminal;
    }

    /** Whether the child opens it and the monitor fetches the master. */
    boolean inside() {
        return inside;
    }

    boolean stdinOpen() {
        return stdinOpen;
    }

    int stdin() {
        return stdin;
    }

    int stdout() {
        return stdout;
    }

    int stderr() {
        return stderr;
    }

    int master() {
        return master;
    }

    int pidfd() {
        return pidfd;
    }

    int rows() {
        return rows;
    }

    int columns() {
        return columns;
    }

    /** The slave. */
    int slave() {
        if (!terminal) {
            throw new IllegalArgumentException("a step uses the terminal, which there is not");
        }
        return stdin;
    }

    void open(LaunchOp.OpenTerminal op, int devpts) {
        builder.call(Call.OPENAT, "ptmx")
                .register(devpts)
                .text("ptmx")
                .imm(Uapi.O_RDWR | Uapi.O_NOCTTY | Uapi.O_CLOEXEC)
                .out(master);
        pair(op.uid(), master);
    }

    void openInside(LaunchOp.OpenTerminalInside op) {
        int mine = builder.register();
        int how =
                builder.data()
                        .words64(
                                Uapi.O_RDWR | Uapi.O_NOCTTY | Uapi.O_CLOEXEC,
                                0,
                                Uapi.RESOLVE_IN_ROOT | Uapi.RESOLVE_NO_MAGICLINKS);
        builder.call(Call.OPENAT2, "/dev/pts/ptmx")
                .imm(Uapi.AT_FDCWD)
                .text("dev/pts/ptmx")
                .data(how)
                .imm(24)
                .out(mine);
        pair(op.uid(), mine);
        builder.call(Call.DUP3, "the master, for the monitor")
                .register(mine)
                .imm(HANDOVER)
                .imm(Uapi.O_CLOEXEC);
        builder.special(ProgramOp.POST, "the master is open").imm(OPENED);
        builder.special(ProgramOp.WAIT, "the monitor has the master").imm(FETCHED);
        builder.free(mine);
    }

    /** The monitor's side of {@link #openInside}. */
    void fetch() {
        if (!inside) {
            return;
        }
        builder.owner(Phase.BESIDE, owner, "the monitor holds the terminal's master");
        builder.special(ProgramOp.WAIT, "the master is open").imm(OPENED);
        builder.call(Call.PIDFD_GETFD, "the master")
                .register(pidfd)
                .imm(HANDOVER)
                .imm(0)
                .out(master);
        builder.special(ProgramOp.POST, "the monitor has the master").imm(FETCHED);
    }

    private void pair(int uid, int from) {
        // A file that is no pty answers ENOTTY.
        builder.call(Call.IOCTL_, "TIOCSPTLCK")
                .register(from)
                .imm(Uapi.TIOCSPTLCK)
                .data(builder.data().words32(0));
        builder.call(Call.IOCTL_, "TIOCGPTPEER")
                .register(from)
                .imm(Uapi.TIOCGPTPEER)
                .imm(Uapi.O_RDWR | Uapi.O_NOCTTY | Uapi.O_CLOEXEC)
                .out(stdin);
        if (uid != 0) {
            builder.call(Call.FCHOWN, "the terminal, uid " + uid).register(stdin).imm(uid).imm(-1);
        }
    }

    void session(LaunchOp.StartSession op) {
        builder.call(Call.SETSID, "");
        int[] from = {stdin, stdout, stderr};
        for (int i = 0; i < from.length; i++) {
            builder.call(Call.DUP3, "stream " + i).register(from[i]).imm(i).imm(0);
        }
        if (op.terminal()) {
            builder.call(Call.IOCTL_, "TIOCSCTTY").imm(0).imm(Uapi.TIOCSCTTY).imm(0);
        } else if (!op.streamsGiven() && op.uid() != 0) {
            // The monitor's own pipes; /dev/null as standard input is everybody's.
            for (int i = op.openStdin() ? 0 : 1; i < from.length; i++) {
                builder.call(Call.FCHOWN, "stream " + i + ", uid " + op.uid())
                        .imm(i)
                        .imm(op.uid())
                        .imm(-1)
                        .ignore(Errno.EPERM);
            }
        }
    }
}
