package dev.berth.agent.docker;

import dev.berth.agent.config.AgentException;
import dev.berth.linux.Fd;

import io.netty.channel.IoEvent;
import io.netty.channel.IoEventLoop;
import io.netty.channel.IoRegistration;
import io.netty.channel.epoll.EpollIoEvent;
import io.netty.channel.epoll.EpollIoHandle;
import io.netty.channel.epoll.EpollIoOps;
import io.netty.channel.unix.FileDescriptor;
import io.netty.util.concurrent.Future;

import java.util.function.Consumer;

/**
 * A descriptor of ours on a Netty epoll loop. The descriptor stays its owner's, who must {@link #cancel} before closing it.
 *
 * <p>Thread: the loop's.
 */
public final class FdWatch implements EpollIoHandle {
    /** Readable, told once per arrival (edge). */
    public static final EpollIoOps READ_EDGE = EpollIoOps.EPOLLIN.with(EpollIoOps.EPOLLET);

    /** Writable, told once per change (edge). */
    public static final EpollIoOps WRITE_EDGE = EpollIoOps.EPOLLOUT.with(EpollIoOps.EPOLLET);

    /** Readable, told as long as it is (level). */
    public static final EpollIoOps READ_LEVEL = EpollIoOps.EPOLLIN;

    private final FileDescriptor descriptor;
    private final Consumer<EpollIoOps> ready;
    private IoRegistration registration;

    @SuppressWarnings("NullAway.Init") // registration is set before anyone sees the object
    private FdWatch(int number, Consumer<EpollIoOps> ready) {
        descriptor = new FileDescriptor(number);
        this.ready = ready;
    }

    /** Watches; {@code ready} runs on the loop, also on hang-up and error. Must be called on the loop, and not for a regular file. */
    public static FdWatch on(IoEventLoop loop, Fd fd, EpollIoOps ops, Runnable ready)
            throws AgentException {
        return onEvents(loop, fd, ops, _ -> ready.run());
    }

    /** As {@link #on}, and tells which events came: EPOLLHUP and EPOLLERR always may. */
    public static FdWatch onEvents(
            IoEventLoop loop, Fd fd, EpollIoOps ops, Consumer<EpollIoOps> ready)
            throws AgentException {
        FdWatch watch = new FdWatch(fd.number(), ready);
        Future<IoRegistration> made = loop.register(watch);
        if (!made.isSuccess()) {
            Throwable cause = made.cause();
            throw AgentException.failed(
                    "watch " + fd, cause == null ? new IllegalStateException("not yet") : cause);
        }
        watch.registration = made.getNow();
        watch.registration.submit(ops);
        return watch;
    }

    @Override
    public FileDescriptor fd() {
        return descriptor;
    }

    @Override
    public void handle(IoRegistration source, IoEvent event) {
        if (event instanceof EpollIoEvent happened) {
            ready.accept(happened.ops());
        }
    }

    /** Ends the watch. */
    public void cancel() {
        if (registration.isValid()) {
            registration.cancel();
        }
    }

    /** Called by the loop when it ends: the descriptor is not ours to close. */
    @Override
    public void close() {}
}
