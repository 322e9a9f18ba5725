package dev.berth.agent.docker;

import dev.berth.agent.conductor.ExecRequest;
import dev.berth.agent.conductor.ExecWatcher;
import dev.berth.agent.config.AgentException;
import dev.berth.agent.config.AgentLog;
import dev.berth.linux.ErrnoException;
import dev.berth.linux.Fd;
import dev.berth.linux.OwnedFd;

import io.netty.buffer.ByteBuf;

import org.jspecify.annotations.Nullable;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/**
 * One {@code POST /exec/ID/start}: the pipes between the client's connection and the process. What a process left behind holds open after the exec's own end is waited for two seconds.
 *
 * <p>Thread: the loop's.
 */
final class ExecSession implements ExecWatcher {
    private static final int O_RDWR = 2;
    private static final long GRACE_SECONDS = 2;

    private final Exchange exchange;
    private final ApiContext context;
    private final ExecRequest request;
    private final boolean detached;
    private final List<OutputPump> outputs = new ArrayList<>();
    private @Nullable OwnedFd stdin;
    private @Nullable OwnedFd stdout;
    private @Nullable OwnedFd stderr;
    private @Nullable HijackedStream client;
    private @Nullable InputPump input;
    private boolean ended;
    private boolean over;

    ExecSession(Exchange exchange, ExecRequest request, boolean detached) {
        this.exchange = exchange;
        this.context = exchange.context();
        this.request = request;
        this.detached = detached;
    }

    void start(String id, int rows, int columns) throws AgentException {
        List<OwnedFd> streams = new ArrayList<>();
        try {
            if (!request.tty()) {
                openStreams(streams);
            }
        } catch (ErrnoException e) {
            streams.forEach(OwnedFd::close);
            closeOurs();
            throw AgentException.failed("exec: open standard streams", e);
        }
        if (!detached) {
            exchange.connection().holdInput();
        }
        context.conductor().execStart(id, List.copyOf(streams), rows, columns, this);
    }

    /** The process's ends go into {@code streams}, ours into the fields. */
    private void openStreams(List<OwnedFd> streams) throws ErrnoException {
        if (request.attachStdin() && !detached) {
            OwnedFd[] pipe = context.linux().files().pipe2(0);
            streams.add(pipe[0]);
            stdin = pipe[1];
        } else {
            streams.add(devNull());
        }
        if (request.attachStdout() && !detached) {
            OwnedFd[] pipe = context.linux().files().pipe2(0);
            streams.add(pipe[1]);
            stdout = pipe[0];
        } else {
            streams.add(devNull());
        }
        if (request.attachStderr() && !detached) {
            OwnedFd[] pipe = context.linux().files().pipe2(0);
            streams.add(pipe[1]);
            stderr = pipe[0];
        } else {
            streams.add(devNull());
        }
    }

    private OwnedFd devNull() throws ErrnoException {
        return context.linux().files().openat(Fd.CWD, "/dev/null", O_RDWR, 0);
    }

    @Override
    public void onStarted(int pid, Optional<OwnedFd> terminal) {
        if (detached) {
            // The terminal of a detached exec has no reader: a pump that drops all keeps it going.
            terminal.ifPresent(this::drainTerminal);
            exchange.empty(200);
            return;
        }
        HijackedStream stream;
        try {
            stream = exchange.hijack(AttachRoutes.contentType(exchange, request.tty()));
        } catch (AgentException e) {
            terminal.ifPresent(OwnedFd::close);
            leave();
            exchange.fail(e);
            return;
        }
        client = stream;
        stream.onChange(this::resume, this::leave);
        try {
            if (request.tty()) {
                terminal(stream, terminal.orElseThrow());
            } else {
                pipes(stream);
            }
        } catch (AgentException | ErrnoException e) {
            AgentLog.error("exec", e);
            leave();
            stream.end();
            return;
        }
        endWhenDone();
    }

    private void drainTerminal(OwnedFd master) {
        OutputPump pump = new OutputPump(context, new DroppingSink(), master, 0, () -> {});
        outputs.add(pump);
        try {
            pump.begin();
        } catch (AgentException e) {
            AgentLog.error("exec terminal", e);
            pump.close();
        }
    }

    private void terminal(HijackedStream stream, OwnedFd master)
            throws AgentException, ErrnoException {
        OwnedFd writing = context.linux().files().duplicate(master);
        OutputPump output = new OutputPump(context, stream, master, 0, this::endWhenDone);
        outputs.add(output);
        InputPump pump =
                new InputPump(context, stream, DetachKeys.parse(request.detachKeys()), () -> {});
        input = pump;
        if (request.attachStdin()) {
            pump.open(writing);
        } else {
            writing.close();
            stream.onInput(new AttachRoutes.DroppedInput());
        }
        output.begin();
    }

    private void pipes(HijackedStream stream) throws AgentException {
        OwnedFd out = stdout;
        OwnedFd err = stderr;
        OwnedFd in = stdin;
        stdout = null;
        stderr = null;
        stdin = null;
        if (out != null) {
            outputs.add(new OutputPump(context, stream, out, 1, this::endWhenDone));
        }
        if (err != null) {
            outputs.add(new OutputPump(context, stream, err, 2, this::endWhenDone));
        }
        if (in != null) {
            InputPump pump = new InputPump(context, stream, null, () -> {});
            input = pump;
            pump.open(in);
        } else {
            stream.onInput(new AttachRoutes.DroppedInput());
        }
        for (OutputPump output : outputs) {
            output.begin();
        }
    }

    private void resume() {
        outputs.forEach(OutputPump::pump);
    }

    private void endWhenDone() {
        HijackedStream stream = client;
        // A client asks for the exit code as soon as the stream ends: it must be known by then.
        if (stream != null && !over && ended && outputs.stream().allMatch(OutputPump::isDone)) {
            finish(stream);
        }
    }

    private void finish(HijackedStream stream) {
        over = true;
        InputPump pump = input;
        if (pump != null) {
            pump.close();
        }
        outputs.forEach(OutputPump::close);
        stream.end();
    }

    @Override
    public void onFailed(AgentException failure) {
        closeOurs();
        if (failure.exitCode() == 0 || detached) {
            exchange.fail(failure);
            return;
        }
        // Docker's clients read why a program could not be started from the stream, and the code
        // from the inspection.
        HijackedStream stream;
        try {
            stream = exchange.hijack(AttachRoutes.contentType(exchange, request.tty()));
        } catch (AgentException e) {
            exchange.fail(e);
            return;
        }
        byte[] text = (failure.chain() + "\r\n").getBytes(StandardCharsets.UTF_8);
        ByteBuf out = stream.allocator().ioBuffer(text.length + 8);
        if (!request.tty()) {
            LogFollower.header(out, 2, text.length);
        }
        stream.write(out.writeBytes(text));
        stream.onInput(new AttachRoutes.DroppedInput());
        stream.end();
    }

    @Override
    public void onEnded(int exitCode) {
        HijackedStream stream = client;
        if (stream == null) {
            if (detached) {
                outputs.forEach(OutputPump::close);
            }
            return;
        }
        ended = true;
        outputs.forEach(OutputPump::pump);
        endWhenDone();
        if (over) {
            return;
        }
        context.after(
                GRACE_SECONDS,
                TimeUnit.SECONDS,
                () -> {
                    // A client that is still reading what is buffered is not cut off.
                    if (!over && stream.isWritable()) {
                        finish(stream);
                    }
                });
    }

    /** The client has gone: the process keeps running and gets SIGPIPE or EOF like any other. */
    private void leave() {
        over = true;
        InputPump pump = input;
        if (pump != null) {
            pump.close();
        }
        outputs.forEach(OutputPump::close);
        closeOurs();
    }

    private void closeOurs() {
        for (OwnedFd fd : new @Nullable OwnedFd[] {stdin, stdout, stderr}) {
            if (fd != null) {
                fd.close();
            }
        }
    }
}
