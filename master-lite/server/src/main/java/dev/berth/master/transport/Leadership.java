package dev.berth.master.transport;

import dev.berth.discovery.MasterAddress;
import dev.berth.http.Reply;

import io.netty.handler.codec.http.HttpHeaderNames;

import java.util.Optional;

/** Answers of a master that does not lead. Pure functions. */
final class Leadership {
    private Leadership() {}

    /** To the same place on the leader. */
    static Reply redirect(MasterAddress leader, String uri) {
        return Reply.empty(307).with(HttpHeaderNames.LOCATION.toString(), "//" + leader + uri);
    }

    /** Why this master does not answer itself; empty when it does. */
    static Optional<Reply> notLeading(MasterGate.Standing standing, String uri) {
        return switch (standing) {
            case MasterGate.Standing.Leading _ -> Optional.empty();
            case MasterGate.Standing.Recovering _ ->
                    Optional.of(Reply.text(503, "Master has not finished recovery"));
            case MasterGate.Standing.Following(Optional<MasterAddress> leader) ->
                    Optional.of(
                            leader.map(address -> redirect(address, uri))
                                    .orElseGet(() -> Reply.text(503, "No leader elected")));
        };
    }
}
