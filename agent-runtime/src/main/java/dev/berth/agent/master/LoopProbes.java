package dev.berth.agent.master;

import dev.berth.agent.tasks.Probes;

import io.netty.bootstrap.Bootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.channel.epoll.EpollSocketChannel;

import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/** Checks' connections on the conductor's own loop. */
public final class LoopProbes implements Probes {
    private static final int LONGEST_STATUS_LINE = 64;

    private final EventLoopGroup loop;

    public LoopProbes(EventLoopGroup loop) {
        this.loop = loop;
    }

    @Override
    public void look(Target target, long timeoutNs, Consumer<Seen> result) {
        Look look = new Look(target, result);
        var connecting =
                new Bootstrap()
                        .group(loop)
                        .channel(EpollSocketChannel.class)
                        .handler(
                                new ChannelInitializer<EpollSocketChannel>() {
                                    @Override
                                    protected void initChannel(EpollSocketChannel made) {
                                        made.pipeline().addLast(look);
                                    }
                                })
                        .connect(new InetSocketAddress(target.host(), target.port()));
        Channel channel = connecting.channel();
        var late =
                channel.eventLoop()
                        .schedule(
                                () -> look.fail(channel, "timed out"),
                                timeoutNs,
                                TimeUnit.NANOSECONDS);
        var _ = channel.closeFuture().addListener(_ -> late.cancel(false));
        connecting.addListener(done -> {
            if (!done.isSuccess()) {
                look.fail(channel, String.valueOf(done.cause().getMessage()));
            } else if (target.path().isEmpty()) {
                look.end(channel, new Seen.Connected());
            } else {
                String request =
                        "GET "
                                + target.path()
                                + " HTTP/1.1\r\nHost: localhost:"
                                + target.port()
                                + "\r\nUser-Agent: berth\r\nAccept: */*\r\nConnection: close\r\n\r\n";
                var _ =
                        channel.writeAndFlush(
                                Unpooled.copiedBuffer(request, StandardCharsets.US_ASCII));
            }
        });
    }

    private static final class Look extends SimpleChannelInboundHandler<ByteBuf> {
        private final Target target;
        private final Consumer<Seen> result;
        private final StringBuilder head = new StringBuilder();
        private boolean ended;

        private Look(Target target, Consumer<Seen> result) {
            super(ByteBuf.class);
            this.target = target;
            this.result = result;
        }

        @Override
        protected void channelRead0(ChannelHandlerContext ctx, ByteBuf bytes) {
            head.append(bytes.toString(StandardCharsets.US_ASCII));
            int line = head.indexOf("\n");
            if (line < 0 && head.length() < LONGEST_STATUS_LINE) {
                return;
            }
            String[] words = head.substring(0, Math.max(0, line)).strip().split(" ", 3);
            if (words.length > 1 && words[0].startsWith("HTTP/") && words[1].matches("\\d{3}")) {
                end(ctx.channel(), new Seen.Answered(Integer.parseInt(words[1])));
            } else {
                fail(ctx.channel(), "GET " + target.path() + " answers no HTTP");
            }
        }

        @Override
        public void channelInactive(ChannelHandlerContext ctx) {
            fail(ctx.channel(), "the connection was closed");
        }

        @Override
        public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
            fail(ctx.channel(), String.valueOf(cause.getMessage()));
        }

        private void fail(Channel channel, String why) {
            end(channel, new Seen.Failed(why));
        }

        private void end(Channel channel, Seen seen) {
            if (!ended) {
                ended = true;
                result.accept(seen);
                var _ = channel.close();
            }
        }
    }
}
