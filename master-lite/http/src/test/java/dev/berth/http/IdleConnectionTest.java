package dev.berth.http;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.channel.socket.ChannelInputShutdownEvent;
import io.netty.handler.codec.http.HttpRequest;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.concurrent.TimeUnit;

/** Connections on which nothing happens, or too much, by a clock that the test moves. */
class IdleConnectionTest {
    private static final String GET = "GET /health HTTP/1.1\r\n\r\n";
    private final ArrayDeque<HttpConnection<String>> asked = new ArrayDeque<>();
    private final EmbeddedChannel channel = new EmbeddedChannel();
    private boolean slow;
    private int handled;

    private final Requests<String> requests =
            new Requests<>() {
                private HttpConnection<String> last;

                @Override
                public Verdict<String> judge(
                        HttpRequest request, HttpConnection<String> connection) {
                    last = connection;
                    return new Verdict.Whole<>(request.uri());
                }

                @Override
                public void handle(String exchange, byte[] body) {
                    handled++;
                    if (slow) {
                        asked.add(last);
                    } else {
                        last.reply(Reply.text(200, "fine"));
                    }
                }
            };

    @BeforeEach
    void open() {
        channel.freezeTime();
        channel.pipeline()
                .addLast(HttpConnection.codec())
                .addLast(new HttpConnection<>(requests, 1 << 20));
        channel.pipeline().fireChannelActive();
    }

    @AfterEach
    void close() {
        channel.finishAndReleaseAll();
    }

    private void pass(long seconds) {
        channel.advanceTimeBy(seconds, TimeUnit.SECONDS);
        channel.runScheduledPendingTasks();
    }

    private void say(String text) {
        channel.writeInbound(Unpooled.copiedBuffer(text, StandardCharsets.US_ASCII));
    }

    private int answers() {
        StringBuilder all = new StringBuilder();
        for (ByteBuf bytes = channel.readOutbound(); bytes != null; ) {
            all.append(bytes.toString(StandardCharsets.US_ASCII));
            bytes.release();
            bytes = channel.readOutbound();
        }
        return all.toString().split("HTTP/1.1 200", -1).length - 1;
    }

    @Test
    void whoSaysNothingIsLetGo() {
        pass(59);
        assertThat(channel.isOpen()).isTrue();
        pass(1);
        assertThat(channel.isOpen()).isFalse();
    }

    @Test
    void headThatNeverEndsIsLetGo() {
        say("GET /health HTTP/1.1\r\n");
        for (int i = 0; i < 5; i++) {
            pass(10);
            say("X-" + i + ": y\r\n");
        }
        assertThat(channel.isOpen()).isTrue();
        pass(10);
        assertThat(channel.isOpen()).isFalse();
    }

    @Test
    void bodyThatNeverEndsIsLetGo() {
        say("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n");
        for (int i = 0; i < 5; i++) {
            pass(10);
            say("1\r\nx\r\n");
        }
        assertThat(channel.isOpen()).isTrue();
        pass(10);
        channel.runPendingTasks();
        assertThat(channel.isOpen()).isFalse();
        assertThat(handled).isZero();
        ByteBuf answer = channel.readOutbound();
        assertThat(answer.toString(StandardCharsets.US_ASCII)).startsWith("HTTP/1.1 408 ");
        answer.release();
    }

    @Test
    void connectionIsKeptForLaterButNotForEver() {
        say(GET);
        pass(300);
        say(GET);
        pass(599);
        assertThat(channel.isOpen()).isTrue();
        pass(1);
        assertThat(channel.isOpen()).isFalse();
    }

    @Test
    void anAnswerMayTakeItsTimeAndComesToNobodyWhenTheClientIsGone() {
        slow = true;
        say(GET);
        pass(3000);
        assertThat(channel.isOpen()).isTrue();
        channel.close();
        asked.remove().reply(Reply.text(200, "late"));
        assertThat(answers()).isZero();
    }

    @Test
    void whoDoesNotReadIsAnsweredNoFurther() {
        var buffer = channel.unsafe().outboundBuffer();
        say(GET);
        buffer.setUserDefinedWritability(1, false);
        channel.runPendingTasks();
        say(GET.repeat(100));
        assertThat(handled).isEqualTo(1);
        assertThat(channel.config().isAutoRead()).as("it is not read either").isFalse();
        buffer.setUserDefinedWritability(1, true);
        channel.runPendingTasks();
        assertThat(handled).isEqualTo(101);
        assertThat(answers()).isEqualTo(101);
        assertThat(channel.config().isAutoRead()).isTrue();
    }

    @Test
    void whoHasEndedItsHalfIsAnsweredAll() {
        slow = true;
        say(GET.repeat(3));
        channel.pipeline().fireUserEventTriggered(ChannelInputShutdownEvent.INSTANCE);
        for (int i = 0; i < 3; i++) {
            assertThat(channel.isOpen()).isTrue();
            asked.remove().reply(Reply.text(200, "fine"));
        }
        channel.runPendingTasks();
        assertThat(answers()).isEqualTo(3);
        assertThat(channel.isOpen()).isFalse();
    }

    @Test
    void whoHasEndedItsHalfAndAskedNothingIsLetGo() {
        say("POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nab");
        channel.pipeline().fireUserEventTriggered(ChannelInputShutdownEvent.INSTANCE);
        assertThat(channel.isOpen()).isFalse();
    }
}
