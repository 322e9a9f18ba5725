package dev.berth.discovery;

import dev.berth.protocol.ProtocolException;

import org.jspecify.annotations.Nullable;

import java.util.Collection;
import java.util.Comparator;
import java.util.List;

/** How masters stand for election, in Mesos's format: ephemeral sequential nodes below one path, whose data is the master's {@code MasterInfo} as JSON. The lowest number leads. Pure functions. */
public final class Candidates {
    /** What the names of the nodes begin with; ZooKeeper appends ten digits. */
    public static final String PREFIX = "json.info_";

    private static final int DIGITS = 10;

    private Candidates() {}

    /** The candidates among the children of the election's path, the leader first. Other nodes there are passed over. */
    public static List<String> ranked(Collection<String> children) {
        return children.stream()
                .filter(Candidates::isCandidate)
                .sorted(Comparator.comparing(name -> name.substring(PREFIX.length())))
                .toList();
    }

    private static boolean isCandidate(String name) {
        return name.startsWith(PREFIX)
                && name.length() == PREFIX.length() + DIGITS
                && name.chars().skip(PREFIX.length()).allMatch(c -> c >= '0' && c <= '9');
    }

    /** Where the master listens that wrote this node. */
    public static MasterAddress address(byte @Nullable [] data) throws ProtocolException {
        if (data == null) {
            throw new ProtocolException("it has no data");
        }
        return MasterAddress.ofInfo(data);
    }

    /** Of a node that stands first and whose data name no master. */
    public static String foreign(String path, ProtocolException why) {
        return "the first node of the election, "
                + path
                + ", was written by no master ("
                + why.getMessage()
                + "): nobody leads until it is removed, as with zkCli's 'delete "
                + path
                + "'";
    }
}
