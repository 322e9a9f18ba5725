package dev.berth.master.transport;

import dev.berth.http.AccessToken;
import dev.berth.http.HttpConnection;
import dev.berth.protocol.Trouble;

import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.IoHandlerFactory;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.ServerChannel;
import io.netty.channel.WriteBufferWaterMark;
import io.netty.channel.epoll.EpollChannelOption;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.epoll.EpollServerSocketChannel;
import io.netty.channel.group.ChannelGroup;
import io.netty.channel.group.DefaultChannelGroup;
import io.netty.channel.local.LocalAddress;
import io.netty.channel.local.LocalIoHandler;
import io.netty.channel.local.LocalServerChannel;
import io.netty.util.concurrent.DefaultEventExecutor;
import io.netty.util.concurrent.GlobalEventExecutor;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * The master's HTTP server: a few loops, on TCP by epoll, or on memory for clients in the same process.
 *
 * <p>Thread: {@link #open} and {@link #close} from the main thread, {@link #cutStreams} from any.
 */
public final class MasterServer implements AutoCloseable {
    private static final int CLOSE_SECONDS = 5;

    /** A peer whose machine is gone is noticed after so long: well within two heartbeats of 15 s. */
    private static final int UNANSWERED_MS = 30_000;

    private final MultiThreadIoEventLoopGroup group;
    private final ChannelGroup channels;
    private final DefaultEventExecutor encoder;
    private final DefaultEventExecutor reader;
    private final Channel server;

    private MasterServer(
            MultiThreadIoEventLoopGroup group,
            ServerBootstrap bootstrap,
            String where,
            Clients clients)
            throws IOException {
        this.group = group;
        channels = clients.channels;
        encoder = clients.encoder;
        reader = clients.reader;
        ChannelFuture bound = bootstrap.bind().awaitUninterruptibly();
        if (!bound.isSuccess()) {
            var _ = group.shutdownGracefully(0, CLOSE_SECONDS, TimeUnit.SECONDS);
            var _ = encoder.shutdownGracefully(0, CLOSE_SECONDS, TimeUnit.SECONDS);
            var _ = reader.shutdownGracefully(0, CLOSE_SECONDS, TimeUnit.SECONDS);
            throw new IOException(
                    "listen on "
                            + where
                            + ": "
                            + Trouble.ofSocket(bound.cause())
                            + " (choose another with --listen HOST:PORT)",
                    bound.cause());
        }
        server = bound.channel();
    }

    /**
     * Listens.
     *
     * @param address port 0 for any
     * @param version as {@code /version} tells it
     */
    public static MasterServer open(
            InetSocketAddress address,
            MasterGate gate,
            AccessToken token,
            Limits limits,
            String version)
            throws IOException {
        ServerBootstrap tcp =
                new ServerBootstrap()
                        .option(ChannelOption.SO_BACKLOG, 4096)
                        .option(ChannelOption.SO_REUSEADDR, true)
                        .childOption(ChannelOption.TCP_NODELAY, true)
                        .childOption(ChannelOption.ALLOW_HALF_CLOSURE, true)
                        .childOption(ChannelOption.SO_KEEPALIVE, true)
                        .childOption(EpollChannelOption.TCP_USER_TIMEOUT, UNANSWERED_MS)
                        .localAddress(address);
        return open(
                tcp,
                EpollServerSocketChannel.class,
                EpollIoHandler.newFactory(),
                new Clients(gate, token, limits, version),
                address.getHostString() + ":" + address.getPort());
    }

    /** Serves clients of this process through memory, by the same loops and handlers: what the server costs without a network. */
    public static MasterServer inMemory(
            LocalAddress address, MasterGate gate, AccessToken token, Limits limits, String version)
            throws IOException {
        return open(
                new ServerBootstrap().localAddress(address),
                LocalServerChannel.class,
                LocalIoHandler.newFactory(),
                new Clients(gate, token, limits, version),
                address.toString());
    }

    private static MasterServer open(
            ServerBootstrap bootstrap,
            Class<? extends ServerChannel> type,
            IoHandlerFactory loops,
            Clients clients,
            String where)
            throws IOException {
        AtomicInteger number = new AtomicInteger();
        MultiThreadIoEventLoopGroup group =
                new MultiThreadIoEventLoopGroup(
                        Math.clamp(Runtime.getRuntime().availableProcessors() / 2, 1, 4),
                        (Runnable body) ->
                                Thread.ofPlatform()
                                        .daemon()
                                        .name("berth-http-" + number.getAndIncrement())
                                        .unstarted(body),
                        loops);
        bootstrap
                .group(group)
                .channel(type)
                .childOption(
                        ChannelOption.WRITE_BUFFER_WATER_MARK,
                        new WriteBufferWaterMark(256 << 10, 1 << 20))
                .childHandler(clients);
        return new MasterServer(group, bootstrap, where, clients);
    }

    /** Makes each new connection one of ours. */
    private static final class Clients extends ChannelInitializer<Channel> {
        private final ChannelGroup channels = new DefaultChannelGroup(GlobalEventExecutor.INSTANCE);
        private final RequestChecks checks;
        private final Limits limits;
        private final DefaultEventExecutor encoder = thread("berth-encode");
        private final DefaultEventExecutor reader = thread("berth-read");

        Clients(MasterGate gate, AccessToken token, Limits limits, String version) {
            this.limits = limits;
            Reads reads = new Reads(gate, reader, limits.reads());
            checks =
                    new RequestChecks(
                            gate, token, new Calls(gate, limits, version, encoder, reads));
        }

        private static DefaultEventExecutor thread(String name) {
            return new DefaultEventExecutor(
                    (Runnable body) -> Thread.ofPlatform().daemon().name(name).unstarted(body));
        }

        @Override
        protected void initChannel(Channel channel) {
            channels.add(channel);
            channel.pipeline()
                    .addLast(HttpConnection.codec())
                    .addLast(new HttpConnection<>(checks, limits.bodyBytes()));
        }
    }

    /** Where it listens; on TCP only. */
    public InetSocketAddress address() {
        return (InetSocketAddress) server.localAddress();
    }

    /** Open connections, for tests. */
    ChannelGroup channels() {
        return channels;
    }

    /** Open connections. */
    public int connections() {
        return channels.size();
    }

    /** Ends all streams and links at once, since this master leads no more; ordinary requests are answered still. */
    public void cutStreams() {
        for (Channel channel : channels) {
            channel.eventLoop()
                    .execute(() -> {
                        HttpConnection<?> connection = channel.pipeline().get(HttpConnection.class);
                        if (connection != null && connection.isStream()) {
                            var _ = channel.close();
                        }
                    });
        }
    }

    /** Stops listening and ends all connections. */
    @Override
    public void close() {
        server.close().awaitUninterruptibly(CLOSE_SECONDS, TimeUnit.SECONDS);
        channels.close().awaitUninterruptibly(CLOSE_SECONDS, TimeUnit.SECONDS);
        group.shutdownGracefully(0, CLOSE_SECONDS, TimeUnit.SECONDS)
                .awaitUninterruptibly(CLOSE_SECONDS, TimeUnit.SECONDS);
        for (DefaultEventExecutor thread : List.of(encoder, reader)) {
            thread.shutdownGracefully(0, CLOSE_SECONDS, TimeUnit.SECONDS)
                    .awaitUninterruptibly(CLOSE_SECONDS, TimeUnit.SECONDS);
        }
    }
}
