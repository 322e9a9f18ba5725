package dev.berth.master.transport;

import static org.assertj.core.api.Assertions.assertThat;

import dev.berth.master.transport.MasterGate.Standing;

import io.netty.buffer.Unpooled;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.handler.codec.http.HttpServerCodec;
import io.netty.util.concurrent.ImmediateEventExecutor;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

import java.nio.charset.StandardCharsets;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/** Connections on which nothing happens, by a clock that the test moves. */
class IdleConnectionTest {
    private final MasterGate gate =
            new MasterGate() {
                @Override
                public Standing standing() {
                    return new Standing.Leading(TestMaster.SELF);
                }

                @Override
                public void submit(Step step) {
                    step.run(Optional.empty(), 0);
                }
            };
    private final EmbeddedChannel channel = new EmbeddedChannel();

    @BeforeEach
    void open() {
        channel.freezeTime();
        channel.pipeline()
                .addLast(new HttpServerCodec())
                .addLast(
                        new HttpConnection(
                                gate,
                                new Calls(
                                        gate,
                                        Limits.USUAL,
                                        "1.11.0",
                                        ImmediateEventExecutor.INSTANCE),
                                new RequestChecks(gate, AccessToken.ANONYMOUS, Limits.USUAL),
                                Limits.USUAL));
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
    void connectionIsKeptForLaterButNotForEver() {
        say("GET /health HTTP/1.1\r\n\r\n");
        pass(300);
        say("GET /health HTTP/1.1\r\n\r\n");
        pass(599);
        assertThat(channel.isOpen()).isTrue();
        pass(1);
        assertThat(channel.isOpen()).isFalse();
    }
}
