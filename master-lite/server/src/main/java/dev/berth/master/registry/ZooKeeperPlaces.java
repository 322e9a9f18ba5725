package dev.berth.master.registry;

/**
 * Where the masters of one place in ZooKeeper keep what is theirs: beside the candidates nothing but the node under which Mesos keeps its own registry. Clients that take the least child for the leader (pymesos) pass
 * over that name, and over no other.
 *
 * @param root the place, below which candidates stand
 */
public record ZooKeeperPlaces(String root) {
    private String registry() {
        return root + "/log_replicas/berth";
    }

    /** Its version counts terms of leading. */
    public String epoch() {
        return registry() + "/epoch";
    }

    /** The parent of one node for each agent. */
    public String agents() {
        return registry() + "/agents";
    }

    String agent(String id) {
        return agents() + "/" + id;
    }

    public String weights() {
        return registry() + "/weights";
    }
}
