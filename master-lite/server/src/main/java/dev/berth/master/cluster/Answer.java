package dev.berth.master.cluster;

import com.google.protobuf.Message;

import java.util.Optional;

/**
 * What a call is answered with.
 *
 * @param status HTTP status code; Mesos's meaning of each: 200 done, 202 accepted, 400 invalid, 403 not subscribed, 404 unknown agent, 501 not there
 * @param text plain text for people, of errors only
 * @param body response message, to be encoded as the client accepts
 */
public record Answer(int status, Optional<String> text, Optional<Message> body) {
    /** Done; nothing to tell. */
    public static final Answer OK = new Answer(200, Optional.empty(), Optional.empty());

    /** Taken; what comes of it is seen in events. */
    public static final Answer ACCEPTED = new Answer(202, Optional.empty(), Optional.empty());

    /** Done, with a response message. */
    public static Answer of(Message body) {
        return new Answer(200, Optional.empty(), Optional.of(body));
    }

    /** Not done. */
    public static Answer refusal(int status, String text) {
        return new Answer(status, Optional.of(text), Optional.empty());
    }
}
