package dev.berth.agent.cli.run;

import dev.berth.agent.cli.args.UsageException;
import dev.berth.agent.cli.http.EngineException;
import dev.berth.agent.cli.http.Hijack;
import dev.berth.agent.cli.http.Query;
import dev.berth.agent.cli.session.Cli;
import dev.berth.agent.cli.session.CliException;
import dev.berth.agent.cli.terminal.DetachKeys;
import dev.berth.agent.cli.terminal.LocalTerminal;
import dev.berth.agent.cli.terminal.OutputPump;
import dev.berth.agent.cli.terminal.Signals;
import dev.berth.linux.ErrnoException;

import java.io.IOException;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * The caller's streams tied to a container's or an exec's until its output ends or the detach keys are typed.
 *
 * <p>Thread: {@link #pump} on main; input is read by a daemon thread, since a read of a terminal cannot be interrupted.
 */
final class Attachment {
    private static final int FORCED_AFTER = 3;

    private final Cli cli;
    private final Hijack stream;
    private final boolean tty;
    private final DetachKeys detachKeys;
    private final String resizeTarget;
    private volatile boolean detached;

    /** @param resizeTarget path of the resize call: {@code /containers/ID/resize} */
    Attachment(Cli cli, Hijack stream, boolean tty, DetachKeys detachKeys, String resizeTarget) {
        this.cli = cli;
        this.stream = stream;
        this.tty = tty;
        this.detachKeys = detachKeys;
        this.resizeTarget = resizeTarget;
    }

    /** The keys of {@code --detach-keys}. */
    static DetachKeys keys(Optional<String> flag) throws UsageException {
        try {
            return DetachKeys.parse(flag.orElse(DetachKeys.DEFAULT));
        } catch (IllegalArgumentException e) {
            throw new UsageException(String.valueOf(e.getMessage()));
        }
    }

    /** Refuses a terminal for the container where the caller's input is none. */
    static void checkTerminal(Cli cli, boolean tty, boolean stdin) throws CliException {
        if (tty && stdin && !cli.isTerminal(0)) {
            throw new CliException(
                    ExitCodes.NOT_STARTED,
                    "-t with -i: standard input is not a terminal; leave -t out");
        }
    }

    /**
     * Moves bytes until the output ends.
     *
     * @param stdin whether to send input
     * @return false when the user detached
     */
    boolean pump(boolean stdin) throws IOException {
        if (tty) {
            resize();
            Signals.handle("WINCH", name -> resize());
        }
        if (!(tty && stdin && cli.isTerminal(0))) {
            return pumpAsIs(stdin);
        }
        try (LocalTerminal _ = LocalTerminal.raw(0)) {
            return pumpAsIs(true);
        } catch (ErrnoException e) {
            throw new IOException("cannot use the terminal: " + e.getMessage(), e);
        }
    }

    private boolean pumpAsIs(boolean stdin) throws IOException {
        if (stdin) {
            Thread input = new Thread(this::input, "stdin");
            input.setDaemon(true);
            input.start();
        }
        try {
            if (tty || !stream.multiplexed()) {
                OutputPump.raw(stream.in(), cli.out());
            } else {
                OutputPump.frames(stream.in(), cli.out(), cli.err());
            }
        } catch (IOException e) {
            // Detaching closes the connection under the reader.
            if (!detached) {
                throw e;
            }
        } finally {
            stream.close();
        }
        return !detached;
    }

    private void input() {
        byte[] block = new byte[16 * 1024];
        try {
            for (int n = cli.in().read(block); n >= 0; n = cli.in().read(block)) {
                if (!tty) {
                    stream.write(block, 0, n);
                    continue;
                }
                DetachKeys.Result typed = detachKeys.type(block, n);
                stream.write(typed.pass(), 0, typed.pass().length);
                if (typed.detach()) {
                    detached = true;
                    stream.close();
                    return;
                }
            }
            stream.closeWrite();
        } catch (IOException e) {
            // The process has ended or closed its input: the output's end tells the rest.
        }
    }

    private void resize() {
        Optional<LocalTerminal.Size> size = LocalTerminal.size(cli.isTerminal(1) ? 1 : 0);
        if (size.isEmpty()) {
            return;
        }
        Query query =
                Query.of(resizeTarget)
                        .with("h", Integer.toString(size.get().rows()))
                        .with("w", Integer.toString(size.get().columns()));
        try {
            cli.client().post(query).close();
        } catch (IOException | CliException e) {
            // It has ended, or the next change of size comes through.
        }
    }

    /** Passes signals on to the container. Three interrupts end this program all the same, for a container that does not listen. */
    static void forwardSignals(Cli cli, String container) {
        AtomicInteger interrupts = new AtomicInteger();
        for (String signal : new String[] {"HUP", "INT", "TERM", "USR2"}) {
            Signals.handle(signal, name -> forward(cli, container, name, interrupts));
        }
    }

    private static void forward(
            Cli cli, String container, String signal, AtomicInteger interrupts) {
        boolean interrupt = signal.equals("INT") || signal.equals("TERM");
        if (interrupt && interrupts.incrementAndGet() >= FORCED_AFTER) {
            cli.err().println("berth: three interrupts: leaving; the container goes on");
            cli.err().flush();
            Runtime.getRuntime().exit(1);
        }
        Query query = Query.of("/containers/" + container + "/kill").with("signal", "SIG" + signal);
        try {
            cli.client().post(query).close();
        } catch (EngineException e) {
            // It does not run (any more).
        } catch (IOException | CliException e) {
            cli.err().println("berth: cannot pass on SIG" + signal + ": " + e.getMessage());
        }
    }
}
