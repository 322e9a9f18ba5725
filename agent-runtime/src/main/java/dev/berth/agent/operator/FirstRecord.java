package dev.berth.agent.operator;

import dev.berth.agent.config.AgentException;
import dev.berth.http.BodyReader;
import dev.berth.protocol.ProtocolException;
import dev.berth.protocol.RecordIo;

import io.netty.buffer.ByteBuf;

import java.util.ArrayDeque;

/** A call of which more records would follow: the first says what it is, and gets the answer. The loop's thread. */
final class FirstRecord implements BodyReader {
    private final OperatorRequest request;
    private final OperatorRoutes routes;
    private final RecordIo records;
    private boolean answered;

    FirstRecord(OperatorRequest request, OperatorRoutes routes, int mostBytes) {
        this.request = request;
        this.routes = routes;
        records = new RecordIo(mostBytes);
    }

    @Override
    public void read(ByteBuf bytes) {
        if (answered) {
            return;
        }
        ArrayDeque<byte[]> found = new ArrayDeque<>();
        try {
            records.read(bytes.nioBuffer(), found::add);
        } catch (ProtocolException e) {
            refuse("Failed to read a record: " + e.getMessage());
            return;
        }
        byte[] first = found.poll();
        if (first != null) {
            answered = true;
            request.attempt(() -> routes.handle(request, first));
        }
    }

    @Override
    public void end() {
        if (!answered) {
            refuse("Expecting a record in the body");
        }
    }

    private void refuse(String why) {
        answered = true;
        request.attempt(() -> {
            throw AgentException.invalid(why);
        });
    }
}
