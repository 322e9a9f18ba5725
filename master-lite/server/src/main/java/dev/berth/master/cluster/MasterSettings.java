package dev.berth.master.cluster;

import dev.berth.protocol.v1.Protos.MasterInfo;

import java.util.Map;
import java.util.concurrent.TimeUnit;

/**
 * What the core is told at its start.
 *
 * @param info as schedulers and operators see it; its id is new in each process (a UUID) and begins all ids that this master gives
 * @param version of the API that is answered: at least 1.11.0, since clients look at it
 * @param flags as GET_FLAGS shows them
 * @param electedNs when this master came to lead, in nanoseconds since the Unix epoch
 * @param agentHeartbeatNs each side of an agent's link speaks at least this often
 * @param agentSilenceNs after so long without a word an agent is marked unreachable
 * @param agentReregisterNs how long agents of the registry may take to come after the master's start
 * @param chronicle what happens, for people
 */
public record MasterSettings(
        MasterInfo info,
        String version,
        Map<String, String> flags,
        long electedNs,
        long agentHeartbeatNs,
        long agentSilenceNs,
        long agentReregisterNs,
        Chronicle chronicle) {
    /** The usual times: 5 s, 15 s, 10 min. */
    public static MasterSettings of(MasterInfo info, Map<String, String> flags, long electedNs) {
        return new MasterSettings(
                info,
                info.getVersion(),
                flags,
                electedNs,
                TimeUnit.SECONDS.toNanos(5),
                TimeUnit.SECONDS.toNanos(15),
                TimeUnit.MINUTES.toNanos(10),
                Chronicle.UNREAD);
    }

    /** The same, with agents taken for unreachable after so long; each side speaks three times within it. */
    public MasterSettings silence(long ns) {
        return new MasterSettings(
                info, version, flags, electedNs, ns / 3, ns, agentReregisterNs, chronicle);
    }

    /** The same, with somebody who reads what happens. */
    public MasterSettings chronicle(Chronicle reader) {
        return new MasterSettings(
                info,
                version,
                flags,
                electedNs,
                agentHeartbeatNs,
                agentSilenceNs,
                agentReregisterNs,
                reader);
    }
}
