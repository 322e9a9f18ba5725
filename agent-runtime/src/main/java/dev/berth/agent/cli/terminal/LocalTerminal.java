package dev.berth.agent.cli.terminal;

import dev.berth.agent.cli.json.Json;
import dev.berth.linux.ErrnoException;
import dev.berth.linux.Fd;
import dev.berth.linux.Linux;

import java.util.List;
import java.util.Optional;

/**
 * The caller's terminal. Raw mode is undone by {@link #close} and, when the JVM is told to end, by a shutdown hook: a shell that is left without echo is a broken shell.
 *
 * <p>Thread: any.
 */
public final class LocalTerminal implements AutoCloseable {
    private final Fd fd;
    private final Thread hook;
    private byte[] former;

    private LocalTerminal(Fd fd, byte[] former) {
        this.fd = fd;
        this.former = former;
        hook = new Thread(this::restore, "restore-terminal");
    }

    /** Switches the terminal at a descriptor to raw mode. */
    public static LocalTerminal raw(int descriptor) throws ErrnoException {
        Fd fd = Fd.borrowed(descriptor);
        LocalTerminal terminal = new LocalTerminal(fd, Linux.host().terminals().makeRaw(fd));
        Runtime.getRuntime().addShutdownHook(terminal.hook);
        return terminal;
    }

    /** Rows and columns; empty when the descriptor is no terminal or does not know (0 × 0). */
    public static Optional<Size> size(int descriptor) {
        try {
            int[] size = Linux.host().terminals().windowSize(Fd.borrowed(descriptor));
            return size[0] > 0 && size[1] > 0
                    ? Optional.of(new Size(size[0], size[1]))
                    : Optional.empty();
        } catch (ErrnoException e) {
            return Optional.empty();
        }
    }

    private synchronized void restore() {
        if (former.length > 0) {
            try {
                Linux.host().terminals().restore(fd, former);
            } catch (ErrnoException e) {
                // The terminal is gone: there is nothing left to restore.
            }
            former = new byte[0];
        }
    }

    @Override
    public void close() {
        restore();
        try {
            Runtime.getRuntime().removeShutdownHook(hook);
        } catch (IllegalStateException e) {
            // The JVM is ending: the hook runs or has run, and finds nothing to do.
        }
    }

    /** A window's size in characters. */
    public record Size(int rows, int columns) {
        /** As the API's {@code ConsoleSize}: height, width. */
        public Json json() {
            return Json.of(List.of(Json.of(rows), Json.of(columns)));
        }
    }
}
