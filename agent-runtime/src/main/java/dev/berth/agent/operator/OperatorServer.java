package dev.berth.agent.operator;

import dev.berth.agent.config.AgentException;
import dev.berth.agent.config.MasterOptions;
import dev.berth.linux.Linux;
import dev.berth.protocol.Trouble;

import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.epoll.EpollServerSocketChannel;
import io.netty.channel.epoll.EpollSocketChannel;
import io.netty.handler.codec.http.HttpContentDecompressor;
import io.netty.handler.codec.http.HttpObjectAggregator;
import io.netty.handler.codec.http.HttpServerCodec;

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
    private static final int CLOSE_SECONDS = 2;

    private final MultiThreadIoEventLoopGroup group;
    private final OperatorRoutes routes;
    private final Channel channel;

    private OperatorServer(
            MultiThreadIoEventLoopGroup group, OperatorRoutes routes, Channel channel) {
        this.group = group;
        this.routes = routes;
        this.channel = channel;
    }

    /** Listens; makes the token's file in {@code dataRoot} where there is none. */
    public static OperatorServer open(MasterOptions options, Path dataRoot, Linux linux)
            throws AgentException {
        OperatorToken token =
                options.allowAnonymous()
                        ? OperatorToken.none()
                        : OperatorToken.load(dataRoot.resolve("token"), options::token);
        OperatorRoutes routes = new OperatorRoutes(token, linux);
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
                        .childHandler(
                                new ChannelInitializer<EpollSocketChannel>() {
                                    @Override
                                    protected void initChannel(EpollSocketChannel made) {
                                        made.pipeline()
                                                .addLast(new HttpServerCodec())
                                                .addLast(
                                                        new HttpContentDecompressor(
                                                                MOST_BODY_BYTES))
                                                .addLast(new HttpObjectAggregator(MOST_BODY_BYTES))
                                                .addLast(new OperatorExchange(routes));
                                    }
                                })
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
        return new OperatorServer(group, routes, bound.channel());
    }

    /** The port, also where any free one was asked for. */
    public int port() {
        return ((InetSocketAddress) channel.localAddress()).getPort();
    }

    /** Answers from now on. */
    public void serve(AgentState state) {
        routes.serve(state);
    }

    @Override
    public void close() {
        channel.close().awaitUninterruptibly(CLOSE_SECONDS, TimeUnit.SECONDS);
        group.shutdownGracefully(0, CLOSE_SECONDS, TimeUnit.SECONDS)
                .awaitUninterruptibly(CLOSE_SECONDS, TimeUnit.SECONDS);
    }
}
