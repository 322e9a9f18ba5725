package dev.berth.master.transport;

import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.WriteBufferWaterMark;
import io.netty.channel.epoll.EpollChannelOption;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.epoll.EpollServerSocketChannel;
import io.netty.channel.epoll.EpollSocketChannel;
import io.netty.channel.group.ChannelGroup;
import io.netty.channel.group.DefaultChannelGroup;
import io.netty.handler.codec.http.HttpDecoderConfig;
import io.netty.handler.codec.http.HttpServerCodec;
import io.netty.util.concurrent.GlobalEventExecutor;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * The master's HTTP server on TCP: a few epoll loops.
 *
 * <p>Thread: {@link #open} and {@link #close} from the main thread, {@link #cutStreams} from any.
 */
public final class MasterServer implements AutoCloseable {
    private static final int CLOSE_SECONDS = 5;

    /** A peer whose machine is gone is noticed after so long: well within two heartbeats of 15 s. */
    private static final int UNANSWERED_MS = 30_000;

    private final MultiThreadIoEventLoopGroup group;
    private final ChannelGroup channels = new DefaultChannelGroup(GlobalEventExecutor.INSTANCE);
    private final Channel server;

    private MasterServer(
            InetSocketAddress address,
            MasterGate gate,
            AccessToken token,
            Limits limits,
            String version)
            throws IOException {
        AtomicInteger number = new AtomicInteger();
        group =
                new MultiThreadIoEventLoopGroup(
                        Math.clamp(Runtime.getRuntime().availableProcessors() / 2, 1, 4),
                        (Runnable body) ->
                                Thread.ofPlatform()
                                        .daemon()
                                        .name("berth-http-" + number.getAndIncrement())
                                        .unstarted(body),
                        EpollIoHandler.newFactory());
        Calls calls = new Calls(gate, limits, version);
        RequestChecks checks = new RequestChecks(gate, token, limits);
        ChannelFuture bound =
                new ServerBootstrap()
                        .group(group)
                        .channel(EpollServerSocketChannel.class)
                        .option(ChannelOption.SO_BACKLOG, 4096)
                        .option(ChannelOption.SO_REUSEADDR, true)
                        .childOption(ChannelOption.TCP_NODELAY, true)
                        .childOption(ChannelOption.SO_KEEPALIVE, true)
                        .childOption(EpollChannelOption.TCP_USER_TIMEOUT, UNANSWERED_MS)
                        .childOption(
                                ChannelOption.WRITE_BUFFER_WATER_MARK,
                                new WriteBufferWaterMark(256 << 10, 1 << 20))
                        .childHandler(
                                new ChannelInitializer<EpollSocketChannel>() {
                                    @Override
                                    protected void initChannel(EpollSocketChannel channel) {
                                        channels.add(channel);
                                        channel.pipeline()
                                                .addLast(codec())
                                                .addLast(
                                                        new HttpConnection(
                                                                gate, calls, checks, limits));
                                    }
                                })
                        .bind(address)
                        .awaitUninterruptibly();
        if (!bound.isSuccess()) {
            var _ = group.shutdownGracefully(0, CLOSE_SECONDS, TimeUnit.SECONDS);
            throw new IOException(
                    "listen on "
                            + address.getHostString()
                            + ":"
                            + address.getPort()
                            + ": "
                            + bound.cause().getMessage()
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
        return new MasterServer(address, gate, token, limits, version);
    }

    private static HttpServerCodec codec() {
        return new HttpServerCodec(
                new HttpDecoderConfig()
                        .setMaxInitialLineLength(16 * 1024)
                        .setMaxHeaderSize(64 * 1024)
                        .setMaxChunkSize(64 * 1024));
    }

    /** Where it listens. */
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
                        HttpConnection connection = channel.pipeline().get(HttpConnection.class);
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
    }
}
