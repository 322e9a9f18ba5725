package dev.berth.master.transport;

import com.google.protobuf.InvalidProtocolBufferException;

import dev.berth.http.BodyReader;
import dev.berth.protocol.ProtocolException;
import dev.berth.protocol.RecordIo;
import dev.berth.protocol.link.Link.FromAgent;

import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelHandlerContext;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * What one agent says: records of the request's body, handed to the core one by one. A link that says what it must not is closed; one that says more than the conductor can take is not read for a while.
 *
 * <p>Thread: the loop's.
 */
final class LinkReader implements BodyReader {
    private static final int PROTOCOL = 1;
    private static final long FIRST_WITHIN_SECONDS = 30;

    private final MasterGate gate;
    private final ChannelHandlerContext channel;
    private final Streams.Agent link;
    private final Limits limits;
    private final RecordIo records;
    private final AtomicInteger inFlight = new AtomicInteger();
    private boolean opened;
    private boolean failed;

    LinkReader(MasterGate gate, ChannelHandlerContext channel, Streams.Agent link, Limits limits) {
        this.gate = gate;
        this.channel = channel;
        this.link = link;
        this.limits = limits;
        records = new RecordIo(limits.recordBytes());
        var _ =
                channel.executor()
                        .schedule(
                                () -> {
                                    if (!opened) {
                                        var _ = channel.close();
                                    }
                                },
                                FIRST_WITHIN_SECONDS,
                                TimeUnit.SECONDS);
    }

    @Override
    public void read(ByteBuf bytes) {
        if (failed) {
            return;
        }
        List<byte[]> complete = new ArrayList<>();
        try {
            for (var buffer : bytes.nioBuffers()) {
                records.read(buffer, complete::add);
            }
            for (byte[] record : complete) {
                take(FromAgent.parseFrom(record));
            }
        } catch (ProtocolException | InvalidProtocolBufferException e) {
            fail(String.valueOf(e.getMessage()));
        }
    }

    private void take(FromAgent message) throws ProtocolException {
        if (!opened) {
            if (!message.hasRegister()) {
                throw new ProtocolException("the first message must be Register");
            }
            if (message.getRegister().getProtocol() != PROTOCOL) {
                throw new ProtocolException(
                        "link protocol "
                                + message.getRegister().getProtocol()
                                + " is not spoken here, only "
                                + PROTOCOL);
            }
            opened = true;
            hop((core, now) -> core.agentOpened(link, message.getRegister(), now));
            return;
        }
        if (message.hasRegister()) {
            throw new ProtocolException("a second Register on one connection");
        }
        hop((core, now) -> core.agentSaid(link, message, now));
    }

    private interface Word {
        void say(dev.berth.master.core.MasterCore core, long nowNs);
    }

    private void hop(Word word) {
        if (inFlight.incrementAndGet() == limits.inFlight()) {
            channel.channel().config().setAutoRead(false);
        }
        gate.submit((core, now) -> {
            if (inFlight.getAndDecrement() == limits.inFlight()) {
                channel.executor().execute(() -> channel.channel().config().setAutoRead(true));
            }
            if (core.isEmpty()) {
                link.close();
                return;
            }
            word.say(core.get(), now);
        });
    }

    private void fail(String why) {
        failed = true;
        link.send(
                dev.berth.protocol.link.Link.FromMaster.newBuilder()
                        .setRefused(
                                dev.berth.protocol.link.Link.Refused.newBuilder()
                                        .setMessage(why)
                                        .setRetry(false))
                        .build());
        link.close();
        left();
    }

    /** The agent ended its half. */
    @Override
    public void end() {
        failed = true;
        link.close();
        left();
    }

    /** The connection is gone. */
    void left() {
        if (opened) {
            opened = false;
            failed = true;
            gate.submit((core, now) -> core.ifPresent(c -> c.agentClosed(link, now)));
        }
    }
}
