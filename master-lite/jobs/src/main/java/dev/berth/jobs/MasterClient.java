package dev.berth.jobs;

import com.google.protobuf.InvalidProtocolBufferException;

import dev.berth.discovery.MasterAddress;
import dev.berth.protocol.v1.agent.Protos.Response;

import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpConnectTimeoutException;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpTimeoutException;
import java.nio.channels.UnresolvedAddressException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Optional;

/** Talks HTTP with masters and agents, in protobuf; finds the leading master again when it moved. Any thread. */
public final class MasterClient implements AutoCloseable {
    private static final String PROTOBUF = "application/x-protobuf";
    private static final Duration CONNECT = Duration.ofSeconds(5);
    private static final Duration ANSWER = Duration.ofSeconds(30);
    private static final long FIND_NS = 30_000_000_000L;
    private static final int HOPS = 5;

    private final HttpClient http =
            HttpClient.newBuilder()
                    .version(HttpClient.Version.HTTP_1_1)
                    .connectTimeout(CONNECT)
                    .build();
    private final Masters masters;
    private final Access access;

    public MasterClient(Masters masters, Access access) {
        this.masters = masters;
        this.access = access;
    }

    /**
     * Subscribes.
     *
     * @return the stream of events, open
     */
    HttpResponse<InputStream> subscribe(byte[] call) throws JobException, InterruptedException {
        HttpResponse<InputStream> answer = send("/api/v1/scheduler", call, Optional.empty());
        if (answer.statusCode() != 200) {
            throw refused("subscribe", answer);
        }
        return answer;
    }

    /** Makes a call of a subscribed scheduler. */
    void call(byte[] call, String streamId, String what) throws JobException, InterruptedException {
        HttpResponse<InputStream> answer = send("/api/v1/scheduler", call, Optional.of(streamId));
        if (answer.statusCode() != 202 && answer.statusCode() != 200) {
            throw refused(what, answer);
        }
        discard(answer);
    }

    /** Asks the operator API. Nothing for a call that only does something. */
    public Optional<dev.berth.protocol.v1.master.Protos.Response> operator(
            dev.berth.protocol.v1.master.Protos.Call call)
            throws JobException, InterruptedException {
        HttpResponse<InputStream> answer = send("/api/v1", call.toByteArray(), Optional.empty());
        if (answer.statusCode() != 200 && answer.statusCode() != 202) {
            throw refused(call.getType().name(), answer);
        }
        byte[] body = body(answer);
        try {
            return body.length == 0
                    ? Optional.empty()
                    : Optional.of(dev.berth.protocol.v1.master.Protos.Response.parseFrom(body));
        } catch (InvalidProtocolBufferException e) {
            throw new JobException("the master's answer to " + call.getType() + " is none", e);
        }
    }

    /** Asks an agent's operator API. */
    Response agent(MasterAddress agent, dev.berth.protocol.v1.agent.Protos.Call call)
            throws JobException, InterruptedException {
        try {
            HttpResponse<byte[]> answer =
                    http.send(
                            request(agent, "/api/v1", call.toByteArray()).build(),
                            HttpResponse.BodyHandlers.ofByteArray());
            if (answer.statusCode() != 200) {
                throw new JobException(
                        "agent "
                                + agent
                                + " answers "
                                + answer.statusCode()
                                + " to "
                                + call.getType()
                                + ": "
                                + new String(answer.body(), StandardCharsets.UTF_8).strip(),
                        answer.statusCode() == 404);
            }
            return Response.parseFrom(answer.body());
        } catch (IOException e) {
            throw new JobException("cannot ask agent " + agent + ": " + reason(e), e);
        }
    }

    private HttpResponse<InputStream> send(String path, byte[] body, Optional<String> stream)
            throws JobException, InterruptedException {
        long deadline = System.nanoTime() + FIND_NS;
        for (int hop = 0; ; hop++) {
            MasterAddress master = masters.leader(deadline);
            HttpRequest.Builder request = request(master, path, body);
            stream.ifPresent(id -> request.header("Mesos-Stream-Id", id));
            HttpResponse<InputStream> answer;
            try {
                answer = http.send(request.build(), HttpResponse.BodyHandlers.ofInputStream());
            } catch (IOException e) {
                masters.failed();
                throw new JobException(
                        "cannot reach the master at "
                                + master
                                + ": "
                                + reason(e)
                                + " (--master URL or $BERTH_MASTER names one, berth master starts one)",
                        e);
            }
            Optional<String> location = answer.headers().firstValue("Location");
            if (answer.statusCode() != 307 || location.isEmpty() || hop == HOPS) {
                if (answer.statusCode() == 503) {
                    masters.failed();
                }
                return answer;
            }
            discard(answer);
            masters.redirected(location.get());
        }
    }

    private HttpRequest.Builder request(MasterAddress to, String path, byte[] body) {
        HttpRequest.Builder request =
                HttpRequest.newBuilder(URI.create("http://" + to + path))
                        .header("Content-Type", PROTOBUF)
                        .header("Accept", PROTOBUF)
                        // Until the headers are there; a stream then runs on.
                        .timeout(ANSWER)
                        .POST(HttpRequest.BodyPublishers.ofByteArray(body));
        access.token().ifPresent(token -> request.header("Authorization", "Bearer " + token));
        return request;
    }

    private static String reason(IOException e) {
        if (e instanceof HttpConnectTimeoutException) {
            return "no answer for " + CONNECT.toSeconds() + " s";
        }
        if (e instanceof HttpTimeoutException) {
            return "no answer for " + ANSWER.toSeconds() + " s";
        }
        for (Throwable cause = e; cause != null; cause = cause.getCause()) {
            if (cause instanceof UnresolvedAddressException) {
                return "no such host";
            }
        }
        String message = e.getMessage();
        return message == null || message.isEmpty() ? "nobody listens there" : message;
    }

    private JobException refused(String what, HttpResponse<InputStream> answer)
            throws JobException {
        String text = new String(body(answer), StandardCharsets.UTF_8).strip();
        String hint =
                answer.statusCode() == 401
                        ? " (show its token: --token-file, or $BERTH_TOKEN_FILE)"
                        : "";
        return new JobException(
                "the master at "
                        + answer.uri().getAuthority()
                        + " answers "
                        + answer.statusCode()
                        + " to "
                        + what
                        + (text.isEmpty() ? "" : ": " + text)
                        + hint);
    }

    private static byte[] body(HttpResponse<InputStream> answer) throws JobException {
        try (InputStream in = answer.body()) {
            return in.readAllBytes();
        } catch (IOException e) {
            throw new JobException("the master's answer broke off: " + reason(e), e);
        }
    }

    private static void discard(HttpResponse<InputStream> answer) throws JobException {
        // Read to its end: only then is the connection free for the next call.
        body(answer);
    }

    @Override
    public void close() {
        masters.close();
        http.shutdownNow();
    }
}
