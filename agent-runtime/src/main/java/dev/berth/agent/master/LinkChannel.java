package dev.berth.agent.master;

import com.google.protobuf.InvalidProtocolBufferException;

import dev.berth.protocol.ProtocolException;
import dev.berth.protocol.RecordIo;
import dev.berth.protocol.Trouble;
import dev.berth.protocol.link.Link;

import io.netty.bootstrap.Bootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.channel.WriteBufferWaterMark;
import io.netty.channel.epoll.EpollSocketChannel;
import io.netty.handler.codec.http.DefaultHttpContent;
import io.netty.handler.codec.http.DefaultHttpRequest;
import io.netty.handler.codec.http.HttpClientCodec;
import io.netty.handler.codec.http.HttpContent;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaderValues;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpObject;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.LastHttpContent;

import org.jspecify.annotations.Nullable;

import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.Optional;

/**
 * One connection to a master: a request whose body never ends, and its answer.
 *
 * <p>Thread: conductor, as the loop's.
 */
final class LinkChannel extends SimpleChannelInboundHandler<HttpObject> {
    private static final String PATH = "/berth/v1/link";
    private static final String TYPE = "application/x-protobuf";
    private static final int CONNECT_MS = 5_000;
    private static final int LONGEST_RECORD = 64 << 20;
    private static final int MOST_WAITING = 64 << 20;
    private static final int MOST_ERROR_BYTES = 4096;

    private final MasterLink link;
    private final RecordIo records = new RecordIo(LONGEST_RECORD);
    private @Nullable Channel channel;
    private Optional<HttpResponse> refusal = Optional.empty();
    private final StringBuilder refusalText = new StringBuilder();
    private String why = "the master closed the connection";
    private boolean ended;

    LinkChannel(MasterLink link) {
        super(HttpObject.class);
        this.link = link;
    }

    void open(EventLoopGroup loop, URI master, InetSocketAddress address, Optional<String> token) {
        var connecting =
                new Bootstrap()
                        .group(loop)
                        .channel(EpollSocketChannel.class)
                        .option(ChannelOption.CONNECT_TIMEOUT_MILLIS, CONNECT_MS)
                        .option(ChannelOption.TCP_NODELAY, true)
                        .option(ChannelOption.SO_KEEPALIVE, true)
                        .option(
                                ChannelOption.WRITE_BUFFER_WATER_MARK,
                                new WriteBufferWaterMark(MOST_WAITING / 2, MOST_WAITING))
                        .handler(
                                new ChannelInitializer<EpollSocketChannel>() {
                                    @Override
                                    protected void initChannel(EpollSocketChannel made) {
                                        made.pipeline()
                                                .addLast(new HttpClientCodec())
                                                .addLast(LinkChannel.this);
                                    }
                                })
                        .connect(address);
        connecting.addListener(done -> {
            if (!done.isSuccess()) {
                end("connect to " + master + ": " + Trouble.ofSocket(done.cause()));
                return;
            }
            Channel made = connecting.channel();
            channel = made;
            if (ended) {
                var _ = made.close();
                return;
            }
            HttpRequest request =
                    new DefaultHttpRequest(HttpVersion.HTTP_1_1, HttpMethod.POST, PATH);
            request.headers()
                    .set(HttpHeaderNames.HOST, master.getAuthority())
                    .set(HttpHeaderNames.TRANSFER_ENCODING, HttpHeaderValues.CHUNKED)
                    .set(HttpHeaderNames.CONTENT_TYPE, TYPE)
                    .set(HttpHeaderNames.ACCEPT, TYPE);
            token.ifPresent(
                    t -> request.headers().set(HttpHeaderNames.AUTHORIZATION, "Bearer " + t));
            var _ = made.write(request);
            link.onOpen(this);
        });
    }

    /** A master that does not read is left: the next registration says everything again. */
    void send(Link.FromAgent message) {
        Channel open = channel;
        if (open == null || ended) {
            return;
        }
        if (!open.isWritable()) {
            close("the master does not read what it is sent");
            return;
        }
        var _ =
                open.writeAndFlush(
                        new DefaultHttpContent(
                                Unpooled.wrappedBuffer(RecordIo.frame(message.toByteArray()))));
    }

    void close(String reason) {
        if (!ended) {
            why = reason;
            Channel open = channel;
            if (open != null) {
                var _ = open.close();
            }
            end(reason);
        }
    }

    private void end(String reason) {
        if (!ended) {
            ended = true;
            link.onClosed(this, reason);
        }
    }

    @Override
    protected void channelRead0(ChannelHandlerContext ctx, HttpObject message) {
        if (ended) {
            return;
        }
        link.onHeard();
        if (message instanceof HttpResponse response && response.status().code() != 200) {
            refusal = Optional.of(response);
        }
        if (message instanceof HttpContent content) {
            if (refusal.isPresent()) {
                refused(content);
            } else {
                take(content.content());
                if (message instanceof LastHttpContent) {
                    close("the master ended the link");
                }
            }
        }
    }

    private void take(ByteBuf bytes) {
        try {
            records.read(
                    bytes.nioBuffer(),
                    record -> {
                        if (!ended) {
                            link.onMessage(this, parse(record));
                        }
                    });
        } catch (ProtocolException | IllegalStateException e) {
            close("the master speaks another language: " + e.getMessage());
        }
    }

    private static Link.FromMaster parse(byte[] record) {
        try {
            return Link.FromMaster.parseFrom(record);
        } catch (InvalidProtocolBufferException e) {
            throw new IllegalStateException(e.getMessage(), e);
        }
    }

    private void refused(HttpContent content) {
        if (refusalText.length() < MOST_ERROR_BYTES) {
            refusalText.append(content.content().toString(StandardCharsets.UTF_8));
        }
        if (!(content instanceof LastHttpContent)) {
            return;
        }
        HttpResponse response = refusal.orElseThrow();
        String location = response.headers().get(HttpHeaderNames.LOCATION, "");
        if (response.status().code() == 307 && !location.isEmpty()) {
            try {
                URI to = URI.create(location.startsWith("//") ? "http:" + location : location);
                if (to.getHost() != null) {
                    link.onRedirect(to);
                }
            } catch (IllegalArgumentException _) {
                // The other masters of the list are asked instead.
            }
        }
        if (response.status().code() == 401) {
            close(link.wrongToken());
            return;
        }
        String text = refusalText.toString().strip();
        close(
                "the master answers "
                        + response.status()
                        + (text.isEmpty() || text.equals(response.status().reasonPhrase())
                                ? ""
                                : ": " + text));
    }

    @Override
    public void channelInactive(ChannelHandlerContext ctx) {
        end(why);
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
        close("link: " + cause.getMessage());
    }
}
