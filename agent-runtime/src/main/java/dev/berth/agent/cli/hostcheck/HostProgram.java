package dev.berth.agent.cli.hostcheck;

import dev.berth.agent.cli.session.CliException;
import dev.berth.linux.ErrnoException;
import dev.berth.linux.Fd;
import dev.berth.linux.Linux;
import dev.berth.linux.Memfd;
import dev.berth.linux.Open;
import dev.berth.linux.OwnedFd;
import dev.berth.linux.process.HelperCommand;
import dev.berth.linux.process.HelperProcess;
import dev.berth.shim.ShimBinary;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.locks.LockSupport;

/** Our CUDA program on the host itself, without a container: something for the list of processes, and all of CUDA where containers cannot run. */
final class HostProgram implements AutoCloseable {
    private static final Duration DEADLINE = Duration.ofSeconds(60);
    private static final long POLL_NS = 5_000_000;

    private final HelperProcess process;
    private final OwnedFd input;
    private final Path output;

    private HostProgram(HelperProcess process, OwnedFd input, Path output) {
        this.process = process;
        this.input = input;
        this.output = output;
    }

    /**
     * Starts it; it keeps memory of its first device until {@link #finish}.
     *
     * @param output a file that is not there yet
     */
    static HostProgram start(Target target, Path output) throws CliException {
        Linux linux = Linux.host();
        OwnedFd[] pipe = {};
        try (OwnedFd program = linux.files().memfdCreate("cuda", Memfd.MFD_ALLOW_SEALING);
                OwnedFd out =
                        linux.files()
                                .openat(
                                        Fd.CWD,
                                        output.toString(),
                                        Open.O_WRONLY | Open.O_CREAT | Open.O_APPEND,
                                        0600)) {
            linux.files().writeAll(program, ShimBinary.cuda().bytes());
            HelperCommand command =
                    HelperCommand.of(program, List.of("cuda", "hold"), target.smiEnvironment());
            pipe = linux.files().pipe2(0);
            HelperProcess process = HelperProcess.start(linux, command, List.of(pipe[0], out, out));
            pipe[0].close();
            return new HostProgram(process, pipe[1], output);
        } catch (ErrnoException e) {
            for (OwnedFd end : pipe) {
                end.close();
            }
            throw new CliException(1, "cannot start the CUDA program: " + e.getMessage(), e);
        }
    }

    int pid() {
        return process.pid();
    }

    /** Waits until it holds memory, or has ended without. */
    boolean awaitHolding() throws CliException, IOException {
        long end = System.nanoTime() + DEADLINE.toNanos();
        while (System.nanoTime() - end < 0) {
            if (Files.readString(output).contains("\"holding\"")) {
                return true;
            }
            if (ended().isPresent()) {
                return false;
            }
            LockSupport.parkNanos(POLL_NS);
        }
        return false;
    }

    private Optional<Integer> ended() throws CliException {
        try {
            return process.ended();
        } catch (ErrnoException e) {
            throw new CliException(1, "cannot watch the CUDA program: " + e.getMessage(), e);
        }
    }

    /** Lets it end; how it did. */
    Once.Ended finish() throws CliException, IOException {
        input.close();
        try {
            int status = process.await(DEADLINE).orElse(-1);
            // An exit code, or a signal as shells tell it.
            int code = (status & 0x7f) == 0 ? status >> 8 : 128 + (status & 0x7f);
            return new Once.Ended(code, Files.readString(output), 0);
        } catch (ErrnoException e) {
            throw new CliException(1, "cannot watch the CUDA program: " + e.getMessage(), e);
        }
    }

    /** Kills it if it still runs. */
    @Override
    public void close() {
        input.close();
        process.close();
    }
}
