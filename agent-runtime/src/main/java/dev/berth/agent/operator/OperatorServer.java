package dev.berth.agent.operator;

import dev.berth.agent.conductor.FileLane;
import dev.berth.agent.config.AgentException;
import dev.berth.agent.config.MasterOptions;
import dev.berth.http.HttpConnection;
import dev.berth.linux.Linux;
import dev.berth.protocol.Trouble;

import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.Channel;
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
import io.netty.util.concurrent.GlobalEventExecutor;

import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;

/**
 * Listens for operators and for frameworks that read sandboxes. Until {@link #serve} every request is answered 503.
 *
 * <p>Thread: any one for these methods.
 */
public final class OperatorServer implements AutoCloseable {
    private static final int MOST_BODY_BYTES = 1 << 20;
    private static final int FILE_THREADS = 4;

    /** Of one operator's tools there are few; of what an agent may open there must be enough for containers. */
    static final int MOST_CONNECTIONS = 1024;

    /** A peer whose machine is gone, or that does not read, is noticed after so long. */
    private static final int UNANSWERED_MS = 30_000;

    private static final int CLOSE_SECONDS = 2;

    private final MultiThreadIoEventLoopGroup group;
    private final FileLane lane;
    private final OperatorRoutes routes;
    private final ChannelGroup channels;
    private final Channel channel;

    private OperatorServer(
            MultiThreadIoEventLoopGroup group,
            FileLane lane,
            OperatorRoutes routes,
            ChannelGroup channels,
            Channel channel) {
        this.group = group;
        this.lane = lane;
        this.routes = routes;
        this.channels = channels;
        this.channel = channel;
    }

    /** Makes each new connection one of ours, up to so many. */
    private static final class Clients extends ChannelInitializer<EpollSocketChannel> {
        private final ChannelGroup channels;
        private final OperatorChecks checks;

        private Clients(ChannelGroup channels, OperatorChecks checks) {
            this.channels = channels;
            this.checks = checks;
        }

        @Override
        protected void initChannel(EpollSocketChannel made) {
            if (channels.size() >= MOST_CONNECTIONS) {
                var _ = made.close();
                return;
            }
            channels.add(made);
            made.pipeline()
                    .addLast(HttpConnection.codec())
                    .addLast(new HttpConnection<>(checks, MOST_BODY_BYTES));
        }
    }

    /** Listens; makes the token's file in {@code dataRoot} where there is none. */
    public static OperatorServer open(MasterOptions options, Path dataRoot, Linux linux)
            throws AgentException {
        OperatorToken token =
                options.allowAnonymous()
                        ? OperatorToken.none()
                        : OperatorToken.load(dataRoot.resolve("token"), options::token);
        // Its own, since containers are prepared on the other one.
        FileLane lane = new FileLane("berth-operator-files", FILE_THREADS);
        OperatorRoutes routes = new OperatorRoutes(linux, lane);
        ChannelGroup channels = new DefaultChannelGroup(GlobalEventExecutor.INSTANCE);
        MultiThreadIoEventLoopGroup group =
                new MultiThreadIoEventLoopGroup(
                        1,
                        (Runnable body) ->
                                Thread.ofPlatform().daemon().name("berth-operator").unstarted(body),
                        EpollIoHandler.newFactory());
        var bound =
                new ServerBootstrap()
                        .group(group)
                        .channel(EpollServerSocketChannel.class)
                        .option(ChannelOption.SO_REUSEADDR, true)
                        .childOption(ChannelOption.TCP_NODELAY, true)
                        .childOption(ChannelOption.SO_KEEPALIVE, true)
                        .childOption(ChannelOption.ALLOW_HALF_CLOSURE, true)
                        .childOption(EpollChannelOption.TCP_USER_TIMEOUT, UNANSWERED_MS)
                        .childOption(
                                ChannelOption.WRITE_BUFFER_WATER_MARK,
                                new WriteBufferWaterMark(256 << 10, 1 << 20))
                        .childHandler(
                                new Clients(
                                        channels,
                                        new OperatorChecks(token, routes, MOST_BODY_BYTES)))
                        .bind(new InetSocketAddress(options.listenHost(), options.listenPort()))
                        .awaitUninterruptibly();
        if (!bound.isSuccess()) {
            var _ = group.shutdownGracefully(0, CLOSE_SECONDS, TimeUnit.SECONDS);
            throw new AgentException(
                    AgentException.Kind.FAILED,
                    "listen on "
                            + options.listenHost()
                            + ":"
                            + options.listenPort()
                            + ": "
                            + Trouble.ofSocket(bound.cause())
                            + " (choose another address with --listen HOST:PORT)");
        }
        return new OperatorServer(group, lane, routes, channels, bound.channel());
    }

    /** The port, also where any free one was asked for. */
    public int port() {
        return ((InetSocketAddress) channel.localAddress()).getPort();
    }

    /** Open connections. */
    int connections() {
        return channels.size();
    }

    /** Answers from now on. */
    public void serve(AgentState state) {
        routes.serve(state);
    }

    @Override
    public void close() {
        channel.close().awaitUninterruptibly(CLOSE_SECONDS, TimeUnit.SECONDS);
        channels.close().awaitUninterruptibly(CLOSE_SECONDS, TimeUnit.SECONDS);
        lane.close();
        group.shutdownGracefully(0, CLOSE_SECONDS, TimeUnit.SECONDS)
                .awaitUninterruptibly(CLOSE_SECONDS, TimeUnit.SECONDS);
    }
}
